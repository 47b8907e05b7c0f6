"""Keys and tokens by the prefix that their vendor gives them: public facts, one a line."""

from __future__ import annotations

import re
from typing import Final

_W, _N, _H = "[A-Za-z0-9_-]", "[A-Za-z0-9]", "[a-fA-F0-9]"
_ALPHABETS: Final = {"w": _W, "n": _N, "h": _H, "U": "[A-Z0-9]", "b": "[A-Za-z0-9+/=_-]", "d": "[A-Za-z0-9_.-]"}
_B: Final = "[A-Za-z0-9+/=_-]"
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_TABLE: Final = """
AKIA U16  ASIA U16  ABIA U16  ACCA U16  AROA U16  AIDA U16  AGPA U16  ANPA U16  ABSK b60  bedrock-api-key- b40  AIza w35
GOCSPX- w20  ya29. d20  ghp_ n30  gho_ n30  ghu_ n30  ghs_ n30  ghr_ n30  github_pat_ w22  GR1348941 w20
glpat- w18  gldt- w18  glrt- w18  glptt- w18  glsoat- w18  glft- w18  glimt- w18  glagent- w40  gloas- w50  glcbt- w18
glrtr- w18  glffct- w18  ATATT3 b50  ATCTT3 b50  ATBB n20  ATTA n60  xoxb- w10  xoxp- w10  xoxa- w10  xoxr- w10  xoxs- w10
xoxo- w10  xoxc- w10  xoxd- b10  xoxe- w10  xoxe. d10  xapp- w16  sk_live_ n10  sk_test_ n10  rk_live_ n10  rk_test_ n10
pk_live_ n10  pk_test_ n10  whsec_ b20  sk_prod_ n20  rzp_live_ n12  rzp_test_ n12  FLWSECK- w20  FLWSECK_TEST- w12
FLWPUBK- w20  EZAK n50  EZTK n50  shippo_live_ h40  shippo_test_ h40  duffel_live_ w40  duffel_test_ w40  sq0atp- w22
sq0csp- w43  EAAA w60  EAAC n40  EAAG n40  IGQV w40  hf_ n30  api_org_ n30  npm_ n36  pypi- w50  rubygems_ h48  CLOJARS_ n60
cio n32  oy2 n43  dop_v1_ h64  doo_v1_ h64  dor_v1_ h64  dckr_pat_ w20  dckr_oat_ w20  SCW U17  LTAI n12  AKID n30  AKLT w30
AQVN w35  shpat_ h32  shpss_ h32  shpca_ h32  shppa_ h32  lin_api_ n32  lin_oauth_ n32  ntn_ n40  secret_ n43
gsk_ n40  xai- n60  pplx- n40  r8_ n36  nvapi- w50  tvly- w16  fw_ n16  csk- n40  pcsk_ w40  tgp_v1_ w40  pa- w40  jina_ n32
fc- h32  apify_api_ n30  bb_live_ w20  bb_test_ w20  rpa_ U40  lsv2_pt_ w32  lsv2_sk_ w32  e2b_ h40  figd_ w30  figo_ w30
sk-lf- w20  pk-lf- w20  sk-helicone- w20  re_ w20  xkeysib- w60  xsmtpsib- w60  key- n32  mlsn. h60  dp.pt. n40  dp.st. d40
dp.ct. n40  dp.sa. n40  dp.scim. n40  dp.audit. n40  pul- h40  CCIPAT_ w36  CCIPRJ_ w36  bkua_ h40  pat-na1- w36
pat-na2- w36  pat-na3- w36  pat-eu1- w36  pat-ap1- w36  CFPAT- w43  PMAK- w59  rdme_ n60  NRAK- U27  NRJS- h19  NRII- w32
NRRA- h40  NRSP- n20  glc_ b32  glsa_ w41  sntrys_ b40  sntryu_ h64  phx_ n40  phc_ n40  dt0c01. d80  dt0s01. d80
hcaik_ n58  hcxik_ n58  xaat- w36  xapt- w36  essu_ b40  hvs. w24  hvb. w24  hvr. w24  ops_eyJ w100  AGE-SECRET-KEY-1 U58
tskey- w20  tfp_ w40  fio-u- w60  pscale_tkn_ d32  pscale_pw_ d32  pscale_oauth_ d32  sbp_ h40  sb_secret_ w24
sb_publishable_ w24  napi_ n60  npg_ n12  mdb_sa_sk_ w30  pnu_ n36  pnb_ n36  dbtc_ w30  dbts_ w30  squ_ h40  sqp_ h40
sqa_ h40  sgp_ w40  slk_ h60  nfp_ n36  rnd_ n24  fm2_ b60  fo1_ w40  HRKU- w36  cfut_ w40  cfat_ w40  vcp_ n40
zpka_ w30  unkey_ n20  signkey-prod- h40  signkey-test- h40  tr_dev_ n16  tr_prod_ n16  n8n_api_ w30  retool_ n20
samsara_api_ n20  RGAPI- w36  p8e- n32  y0_ w40  vk1.a. w60  AKCp n60  cmVmdGtu b50  packagist_ w40  api_live. d20
APKA U16  ANPA U16  ANVA U16  ASCA U16  vercel_blob_rw_ w20  vci_ n20  vca_ n20  vcr_ n20  vck_ n20  nfc_ w36  nfu_ w36
nfo_ w36  nfb_ w36  dnkey- w26  API- U26  ico- n32  tk-us- w48  tk-eu- w48  sm_aat_ n16
pubkey- h32  pdl_live_ w20  pdl_sdbx_ w20  polar_oat_ n30  polar_pat_ n30  wandb_v1_ w20  ak- n22
sk_car_ n18  gAAAAA b60  AQEmh b60  AQEhh b60  sq0idp- w22  ory_at_ w30  ory_pat_ w30  ory_st_ w30  cal_live_ h32  sess- n40
sha256~ w43  t1. d86  YCA w36  YCP w36  YCM w36  eyJrIjoi b40  authress_ w20  luma- w40  key_ h100
gitpod_pat_ w30  dbtu_ w30  KGAT_ h32  isat_ w20  dG9rOj b40  snyk_uat. d30  snyk_sat. d30  phs_ w30
NRBR- h19  FLWPUBK_TEST- w12  secret- n40  rk_prod_ n20  pk_prod_ n20  apify_proxy_ n20  scp-live- h32  scp-test- h32
secret-live- b30  secret-test- b30  sdk- w36  mob- w36  sk.eyJ d40  pk.eyJ d40  mapi_ n30  aio_ n28  pb_live_ n20  sl. d60
SG. d40
"""
"""Prefix, then the alphabet and the least length of the rest."""
_ODD: Final = {
    "sk-": rf"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-)?(?={_W}*[0-9]){_W}{{20,}}",
    "sk_": r"sk_(?:live|test)_[A-Za-z0-9]{10,}|sk_[a-f0-9]{48}",
    "SG.": rf"SG\.{_W}{{16,}}\.{_W}{{16,}}",
    "sg.": rf"sg\.{_W}{{16,}}\.{_W}{{16,}}",
    "AC": r"AC[a-f0-9]{32}",
    "SK": r"SK[a-f0-9]{32}",
    "eyJ": rf"eyJ{_W}{{8,}}\.(?:eyJ{_W}{{8,}}(?:\.{_W}*)?|{_W}*\.{_W}{{8,}}\.{_W}{{8,}}\.{_W}{{8,}})",
    "mfa.": rf"mfa\.{_W}{{80,}}",
    "v1.0-": r"v1\.0-[a-f0-9]{24}-[a-f0-9]{140,}",
    "amzn.mws.": rf"amzn\.mws\.{_UUID}",
    "pat": r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
    "access-": rf"access-(?:sandbox|development|production)-{_UUID}",
    "access_token$": r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    "bce-v3/": rf"bce-v3/ALTAK-{_W}{{10,}}/[a-f0-9]{{30,}}",
    "dapi": r"dapi[a-f0-9]{32}(?:-[0-9])?",
    "FlyV1": rf"FlyV1 (?:fm[0-9][ar]?_{_B}{{40,}},?){{1,4}}",
    "pat.": rf"pat\.{_W}{{22}}\.{_N}{{24}}\.{_N}{{20}}",
    "sat.": rf"sat\.{_W}{{22}}\.{_N}{{24}}\.{_N}{{20}}",
    "pk_": r"pk_(?:live|test|prod)_[A-Za-z0-9]{10,}|pk_[0-9]{5,10}_[A-Z0-9]{32}",
    "EAA": r"EAA[A-Za-z0-9]{40,}",
    "ms-": rf"ms-{_UUID}",
    "AAAA": rf"AAAA{_W}{{7}}:APA91b{_W}{{100,}}|AAAA[A-Za-z0-9%]{{60,}}",
    "amzn1.": r"amzn1\.oa2-cs\.v1\.[a-f0-9]{64}",
    "A3-": r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,6}-){3,5}[A-Z0-9]{5,6}",
    "AAAAAAAAAAAAAAAA": r"A{16,}[A-Za-z0-9%]{40,}",
    "b3BlbnNzaC1rZXktdjE": r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]{40,}",
    "ctx7sk-": rf"ctx7sk-{_W}{{20,}}",
    "m0-": r"m0-[A-Za-z0-9]{38,}",
    "LTAI": r"LTAI[A-Za-z0-9]{12,24}",
    "LS0tLS1CRUdJTi": r"LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJVkFURS|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVEU|BFTkNSWVBURUQg)"
    r"[A-Za-z0-9+/=]{40,}",
    **dict.fromkeys(
        ("MIIB", "MIIC", "MIIE", "MIIJ"),
        r"MII[A-Za-z0-9+/]{1,6}IBA(?:AKC|DANBgkqhkiG9w0BAQEFAAS)[A-Za-z0-9+/=]{40,}",
    ),
}
"""Those that are more than a prefix and a run."""


INFIXES: Final = {
    "-us": r"[a-f0-9]{32}-us[0-9]{1,2}",
    "1//0": rf"1//0{_W}{{30,}}",
    ".v4.": rf"{_N}{{24,40}}\.v4\.{_W}{{16,}}",
    ".atlasv1.": rf"{_N}{{14}}\.atlasv1\.{_W}{{60,70}}",
    "live_": rf"live_(?:{_N}{{35}}|{_W}{{40}})",
    "s-s4t2": r"s-s4t2(?:ud|af)-[a-f0-9]{64}",
    ":yeah:": rf"up:yeah:{_N}{{40,}}",
    "b.AAAAAQ": rf"b\.AAAAAQ{_W}{{60,}}",
    "ls__": rf"ls__{_W}{{32,}}",
    "4b1d": rf"4b1d{_N}{{38}}",
    "Q~": r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    "AZDO": rf"{_N}{{76}}AZDO{_N}{{4}}",
    "JQQJ9": rf"{_N}{{40,64}}JQQJ9{_N}{{20,40}}",
    "_mmk": r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    "jsn": r"[a-z0-9]{10}msh[a-z0-9]{15}p1[a-z0-9]{6}jsn[a-z0-9]{12}",
}
"""What a token has in its midst -> the whole of it."""


def _patterns() -> dict[str, str]:
    words = _TABLE.split()
    simple = {
        prefix: re.escape(prefix) + _ALPHABETS[size[0]] + f"{{{size[1:]},}}"
        for prefix, size in zip(words[::2], words[1::2], strict=True)
    }
    return simple | _ODD


VENDORS: Final = _patterns()
"""What a token begins with -> the whole of it."""
