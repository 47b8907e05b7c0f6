"""What reads as a person and is none: places, products, virtues, verbs, and what begins a sentence in another language.

The models judge a word by its neighbours; this judges it by what is said of it, and by what it is listed with.
"""

from __future__ import annotations

import re
from typing import Final

from extproc.pii.names import things
from extproc.pii.names.words import load

_CALLS: Final = frozenset(
    "appelle appelez rappelle rappelez écris écrivez contacte contactez envoie envoyez téléphone téléphonez chiamami "
    "chiamatemi chiama scrivimi "
    "contattami mandami schreib schreibe schreiben schick schicke ruf rufe rufen meld melde melden kontaktieren "
    "kontaktiere bel mail skriv ara "
    "arayın llámame llámanos llámenos escríbeme envíalo mándame ligue escreva zadzwoń napisz soita "
    "sie ihnen mir mich uns moi nous mij ons meg mig oss mne beni bizi saya tôi minulle "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes "
    "martes miércoles jueves viernes sábado lunedì martedì mercoledì giovedì venerdì maandag dinsdag woensdag donderdag "
    "vrijdag zaterdag "
    "poniedziałek wtorek środa czwartek piątek pazartesi salı çarşamba perşembe cuma cumartesi".split()
)
"""What begins a sentence in another language than the models know, and is nobody: call me, write to, the days."""
_ADDRESSED: Final = re.compile(
    r"(?=[- :])(?:[- ](?:moi|nous|lui|le|la|les|me|mi|ci|mir|mich|uns|sie|mij|ons|meg|mig|oss|mne|mi|nám|mu|saya|kami|"
    r"tôi|minulle|meille|beni|bizi|mnie|nas|nos|lo|te)){0,2}"
    r"(?:[ ]?(?:cho tôi|an|à|a|al|au|aux|en|em|op|på|na|pod|pe|la|para|per|unter|auf|bei|mit|naar|til|till|di|ke|cho|o|do|zu|le))"
    r"{0,2}[ ]?[:–-]?[ ]?(?=[+(]?[0-9]|[\w.+-]{1,40}@)",
    re.IGNORECASE,
)
"""Whom, and how: what stands between `Rufen`, `Avísame` or `Envoyez` and a number or an address."""
_BEGINS: Final = re.compile(r"(?:\A|[.!?:;>*•\n-])[ \t\"“«¡¿]*\Z")

_STATE: Final = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|"
    r"Illinois|Indiana|Iowa|"
    r"Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    r"New (?:Hampshire|Jersey|Mexico|York|South Wales|Zealand|Brunswick)|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|"
    r"Oregon|Pennsylvania|Rhode Island|"
    r"Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|Ontario|Qu[eé]bec|British Columbia|"
    r"Alberta|Manitoba|Saskatchewan|Nova Scotia|Newfoundland|Queensland|Tasmania|"
    r"France|Germany|England|Scotland|Wales|Ireland|Italy|Spain|Portugal|Australia|Canada|Mexico|Brazil|India|China|Japan|"
    r"the UK|the US|the USA|D\.?C\b\.?)"
)
_STATES: Final = re.compile(rf", {_STATE}\b")
_IS_STATE: Final = frozenset(
    "Texas Ohio Oregon Nevada Utah Iowa Kansas Idaho Wyoming Nebraska Oklahoma Wisconsin Minnesota Michigan Illinois Missouri "
    "Mississippi Alabama Alaska Arizona Arkansas Colorado Connecticut Delaware Florida Hawaii Indiana Kentucky Louisiana Maine "
    "Maryland Massachusetts Pennsylvania Tennessee Vermont California".split()
)
_COUNTRIES: Final = frozenset(
    "Israel France China India Iraq Iran Syria Russia Germany Italy Spain Greece Turkey Egypt Libya Sudan Kenya Cuba Japan "
    "Korea Brazil Peru Chile Mexico Canada Poland Norway Sweden Denmark Finland Austria Ireland Scotland England Wales "
    "Portugal Malta Cyprus Qatar Oman Yemen Kuwait Lebanon Pakistan Nepal Vietnam Laos Cambodia Thailand Malaysia Singapore "
    "Indonesia Australia Palau Ghana Nigeria Mali Niger Rwanda Uganda Angola Zambia Somalia Ethiopia Algeria Tunisia "
    "Morocco Ukraine Serbia Croatia Bosnia Albania Bulgaria Romania Hungary Belgium Holland Jamaica Haiti Panama Bolivia "
    "Ecuador Colombia Venezuela Argentina Uruguay".split()
)
"""Countries, and parts of one, after which fewer people are called than is said of them."""
_GREETED: Final = re.compile(
    r"\b(?:dear|hi|hello|hey|thanks|cheers|regards|sincerely|mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|name is|"
    r"named|called|i am|i'm|this is|aunt|uncle|cousin)"
    r"[.,]?[ \n]+\Z",
    re.IGNORECASE,
)
_CALLED_SO: Final = frozenset({"Georgia", "Virginia", "India", "China", "Alberta"})
_LONGEST_GREETING: Final = 16
_PLACE_BEFORE: Final = re.compile(
    r"\b(?:San|Santa|Santo|Sierra|Los|Las|El|Lake|Mount|Mt\.?|Fort|Ft\.?|Port|Cape|Point|New|North|South|East|West|(?:County|City|Bay|Gulf|University|State|"
    r"Republic|Isle|Strait|Bank|Kingdom|Battle|Treaty) of|in downtown|near|the (?:city|town|state|village) of|"
    r"Camp|USS|HMS|RMS) \Z"
)
_BEFORE_PLACES: Final = frozenset(
    "san santa santo sierra los las el lake mount mt fort ft port cape point new north south east west of downtown near camp "
    "uss hms rms".split()
)
"""Last words of what that looks for, by which it is told soonest that it does not match."""
_PLACE_AFTER: Final = re.compile(
    r" (?:County|Island|Islands|River|Lake|Valley|Bay|Beach|Airport|University|Falls|Creek|Springs|Mountains?|Province|"
    r"National Park|Bridge|Station|Agreement|Protocol|Treaty|Accords?|Convention|Alert|Harbou?r|Peninsula|"
    r"(?:is|was|remains|became) (?:the |a |an |one of the )?(?:\w{2,12} ){0,3}(?:city|town|capital|county|state|province|country|"
    r"village|suburb|region|island|river|planet|flower|language|database|tool|framework|assistant)\b)"
)
_PLACE_SHORTEST: Final = 3
_THING_AFTER: Final = re.compile(
    r"(?:['’]s)? (?:algorithms?|theorems?|laws?|equations?|methods?|transforms?|distributions?|series|filters?|principles?|"
    r"chains?|coding|entropy|codes?|process(?:es)?|machines?|noise|inference|sampling|sequence|"
    r"constants?|paradox|inequality|eliminations?|operator|conjecture|lemma|polynomials?|matrix|integral|estimator|regression)\b"
)
_BRANDS: Final = re.compile(
    r"(?:Victoria['’]s Secret|Levi['’]s\b|Levi Strauss|Jack Daniel|Tommy Hilfiger|Ralph Lauren|Calvin Klein|Harley[ -]Davidson|"
    r"Johnnie Walker|Jim Beam|Dr\.? Pepper|Mary Kay|Ben & Jerry|Ben and Jerry|Marks & Spencer|Marks and Spencer|Louis "
    r"Vuitton|Christian Dior|"
    r"Hugo Boss|Jimmy Choo|Michael Kors|Kate Spade|Tom Ford|Betty Crocker|Aunt Jemima|Uncle Ben|Captain Morgan|"
    r"Wendy['’]s|Denny['’]s|Arby['’]s|"
    r"Macy['’]s|Kohl['’]s|Lowe['’]s|Trader Joe|Papa John|Jimmy John|Charles Schwab|JP ?Morgan|J\.?P\.? Morgan|Morgan "
    r"Stanley|Wells Fargo|Goldman Sachs|"
    r"Merrill Lynch|Johnson & Johnson|Procter & Gamble|Ernst & Young|Monty Hall|Monte Carlo|Hello Kitty|Santa Claus|"
    r"Mickey Mouse|Harry Potter|"
    r"Sherlock Holmes|James Bond|John Deere|Mercedes[ -]Benz|Rolls[ -]Royce|Aston Martin|Alfa Romeo|Black Friday)\b"
)
"""Firms, wares and figures with the name of a person."""
_ASSISTANTS: Final = frozenset("Alexa Siri Cortana Bixby Jeeves Google Gemini Claude Copilot".split())
_TALKED_TO: Final = re.compile(r"\b(?:hey|ok|okay|hi|ask|tell|use|say|like|dear) [\"'“‘]?\Z", re.IGNORECASE)
_DONE_WITH: Final = re.compile(
    r"\b(?:turn|switch|play|set|control|connect|connected|works?|pair|paired|integrates?|integrated|compatible)\b[^.!?\n]{0,24} "
    r"(?:with|via|through|to|by) \Z",
    re.IGNORECASE,
)
_COMMAND: Final = re.compile(
    r",? (?:play|set|turn|stop|call|open|show|what|who|how|when|remind|add|tell|find|start|can|to|skill|app|and|or)\b"
)
_REACH_OF_DEED: Final = 48
_VERBS: Final = frozenset(
    "Mark Grant Chase Chuck Rob Pat Bill Frank Jack Sue Will Pierce Skip Wade Drew Dean Chip Josh Nick".split()
)
_DONE: Final = re.compile(r" (?:the|this|that|it|them|these|those|a|an|all|any|each|every|access|permissions?|as)\b")
_DO: Final = re.compile(
    r"(?:(?:\A|[.!?\n:;])[ \t]*|\b(?:to|please|don't|not|you|we|I|they|and|then|or|must|should|can|could|will|would|let's|"
    r"just|also|either|Please|To) )\Z"
)
_VIRTUES: Final = frozenset(
    "Faith Hope Joy Grace Patience Mercy Charity Glory Harmony Justice Destiny Constance".split()
)
_SAID_OF: Final = re.compile(
    r" (?:under |to (?:the|all|you|every)|in (?:the|humanity|god|God|people|mankind|love|action)|of (?:the|god|God)|"
    r"for (?:the|all|a)|"
    r"and (?:peace|love|hope|faith|joy|mercy|glory|charity|happiness|dignity|truth)|is (?:a|the|not|an|all) |springs )"
)


_ACRONYMS: Final = frozenset(
    "AWS GCP EKS ECS ECR EC2 RDS SQS SNS S3 IAM VPC ALB NLB ELB EBS EFS FSX KMS ACM SES SSM STS IRSA CDK SAM DMS EMR "
    "MSK MWAA WAF "
    "AMI ASG IGW NAT API APIS CLI SDK IDE UI UX CPU GPU TPU NPU RAM ROM SSD HDD NVME USB PCI BIOS UEFI DNS DHCP TCP UDP IP ICMP "
    "HTTP HTTPS SSL TLS MTLS SSH FTP SFTP SMTP IMAP POP3 LDAP SAML OIDC JWT OAUTH SSO MFA OTP TOTP PKI CSR CRL OCSP RSA ECDSA "
    "AES SHA MD5 HMAC PGP GPG GKE GCS GCR AKS ACR ACI NSG VNET VM VMS VMSS RBAC ABAC CRD CRDS HPA VPA PVC PV CNI CSI CRI OCI "
    "CNCF YAML JSON XML HTML CSS CSV TSV PDF SVG PNG JPEG GIF SQL NOSQL ORM JPA JVM JDK JRE WASM REST SOAP GRPC RPC CRUD DTO "
    "DAO MVC MVVM SPA PWA SSR CMS CRM ERP SCM BI ETL ELT OLAP OLTP DWH KPI OKR SLA SLO SLI RTO RPO MTTR CI CD CICD QA UAT PR MR "
    "LLM LLMS NLP NLU OCR ASR TTS RAG ML AI AGI GPT BERT CNN RNN LSTM GAN VAE SVM KNN PCA LORA RLHF MCP UML ERD BPMN DSL AST "
    "REPL TDD BDD DDD SOLID DRY KISS YAGNI IOT OTA MQTT AMQP STOMP KAFKA ETCD GIT SVN NPM PIP CRON BASH ZSH VIM GNU GPL MIT BSD "
    "GDPR HIPAA PII PHI PCI DSS SOC ISO NIST CVE CVSS CWE OWASP XSS CSRF SSRF DDOS IDS IPS SIEM SOAR EDR XDR VPN WAN LAN MAC "
    "IPV4 IPV6 BGP OSPF MPLS QOS CDN POP SKU SKUS FAQ TODO FIXME TBD ASAP FYI ETA EOD".split()
)
"""Terms of the trade in capitals, and services of clouds."""
_SHORT: Final = frozenset(
    "ANN AMY AVA BEA BEN BOB CAL DAN DEE DON ELI EVA FAY GUS GUY HAL IAN IDA IRA IVY JAN JAY JED JIM JOE JON JOY KAI KAY KEN KIM "
    "KIT LEE LEN LEO LES LEX LIZ LOU LYN MAE MAX MAY MEG MEL MIA MOE NAN NED PAM PAT PEG RAY REX ROB ROD RON ROY SAL SAM SID STU "
    "SUE TAD TED TIM TOM UMA VAL VAN VIC WES ZOE ALI AYA HUI JIN LIN MEI MIN NIA OLA RIA RAJ TAO UWE WEI YAN YUE ZHU LAI".split()
)
"""Names of three letters: any other word of no more, in capitals among words that are not, stands for several."""
_BESIDE_CAPITALS: Final = 16


def is_term(text: str, start: int, end: int, *, place: bool) -> bool:
    """Whether what a model takes for a place or a firm is a term or part of an identifier: `EKS`, `eu-west-1`."""
    name = text[start:end]
    if name.upper() in _ACRONYMS and name == name.upper():
        return True
    glued = text[end : end + 1] in ("-", "_") or text[start - 1 : start] in ("-", "_") or text[end : end + 1].isdigit()
    if name == name.lower() and (glued or "-" in name or (place and name not in load("places") and " " not in name)):
        return True
    return things.is_product(text, start, end)


def is_nobody(text: str, start: int, end: int) -> bool:
    """Whether what a model takes for a person is a place, a product, a verb, or what begins a call in another language."""
    name = text[start:end].rstrip(" .0123456789") or text[start:end]
    words = name.split()
    first = words[0].partition("-")[0].lower()
    if first in _CALLS and len(words) <= len(("Schreiben", "Sie")):
        return True
    if _BRANDS.match(text, start) or _is_state(text, start, end, name) or _is_acronym(text, start, end, name):
        return True
    if things.is_thing(text, start, end, name):
        return True
    if len(words) > 1 and words[-1].lower() not in _CALLS:
        return False
    if first not in load("given") and _BEGINS.search(text, max(0, start - 8), start):
        said = _ADDRESSED.match(text, end)
        if said and said.group().strip(" :–-"):
            return True
    return len(words) == 1 and _is_said_to_be_none(text, start, end, name)


def _is_acronym(text: str, start: int, end: int, name: str) -> bool:
    if not name.isupper() or name in _SHORT:
        return False
    if name in _ACRONYMS:
        return True
    if len(name) > len("ABC") or not name.isalpha() or _GREETED.search(text, max(0, start - _LONGEST_GREETING), start):
        return False
    return any(map(str.islower, text[max(0, start - _BESIDE_CAPITALS) : end + _BESIDE_CAPITALS]))


def _is_state(text: str, start: int, end: int, name: str) -> bool:
    """A state, or the town before it: `Helena, Montana`. Of people that are listed some are called Georgia."""
    if name in _IS_STATE or _STATES.match(text, end):
        return True
    if name in _COUNTRIES:
        return _GREETED.search(text, max(0, start - _LONGEST_GREETING), start) is None
    return start > 1 and name not in _CALLED_SO and _STATES.fullmatch(text, start - 2, end) is not None


_GOES_TO: Final = re.compile(
    r"\b(?:(?:travel(?:s|l?ing|l?ed)?|trips?|flights?|flew|fly|flying|drove|moved|moving|relocated|relocating) to|"
    r"(?:lives?|lived|living|based|located|offices?|hotels?|restaurants?|apartment|weather|traffic|stayed|staying) in) \Z"
)
_ABOUT_PLACES: Final = re.compile(r"\b(?:around|throughout|outside|visiting|enjoying) \Z")
_LEAD_TO_PLACES: Final = frozenset("to in around throughout outside visiting enjoying".split())
_REACH_OF_PLACE: Final = 24


def _is_gone_to(text: str, start: int, name: str) -> bool:
    """Whether a name that is a town's too is where somebody goes, or is: `traveling to Lourdes`, `hotels in Florence`."""
    word = name.lower()
    if word not in load("places") and name not in things.TOWNS:
        return False
    low = max(0, start - _REACH_OF_PLACE)
    return _GOES_TO.search(text, low, start) is not None or (
        word not in load("given") and _ABOUT_PLACES.search(text, low, start) is not None
    )


def _is_said_to_be_none(text: str, start: int, end: int, name: str) -> bool:
    """By the words right before and behind it."""
    low = max(0, start - 24)
    if _THING_AFTER.match(text, end) and (name.lower() not in load("given") or name in things.SCIENTISTS):
        return True
    if len(name) >= _PLACE_SHORTEST and (
        (things.word_before(text, start) in _BEFORE_PLACES and _PLACE_BEFORE.search(text, low, start))
        or _PLACE_AFTER.match(text, end)
    ):
        return True
    if things.word_before(text, start) in _LEAD_TO_PLACES and _is_gone_to(text, start, name):
        return True
    if name in _ASSISTANTS and (
        _TALKED_TO.search(text, low, start)
        or _COMMAND.match(text, end)
        or _DONE_WITH.search(text, max(0, start - _REACH_OF_DEED), start)
    ):
        return True
    if name in _VERBS and _DONE.match(text, end) and _DO.search(text, low, start):
        return True
    return name in _VIRTUES and _SAID_OF.match(text, end) is not None and _BEGINS.search(text, low, start) is not None
