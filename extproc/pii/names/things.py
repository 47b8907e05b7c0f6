"""Words that are names too, and what makes them none: others of their kind beside them, and what is said of them.

`Redis and Mongo`, `Frank discussions`, `Murphy's law`, `Hurricane Katrina`, `Robin is a small bird`.
"""

from __future__ import annotations

import re
from typing import Final

from extproc.pii.names.deeds import ALSO_NAMES
from extproc.pii.names.words import load

_GROUPS: Final[tuple[tuple[int, str, str | None], ...]] = (
    (
        1,
        (
            "Alexa|Siri|Cortana|Bixby|Google Assistant|Jeeves|Cassandra|Mongo|MongoDB|Maria DB|MariaDB|Redis|"
            "MySQL|Postgres|PostgreSQL|Kafka|Jenkins|Jenkins X|Travis|CircleCI|Circle CI|Tekton|Ansible|Puppet|"
            "Chef|Elasticsearch|Neo4j|Couchbase|Sonnet|Opus|Haiku|Gemini|Bard|Claude|Llama|Mistral|Watson|"
            "Copilot|Cursor|Windsurf|Devin|Prometheus|Grafana|Loki|Tempo|Jaeger|Thanos|Helm|Harbor|Flux|Talos|"
            "Django|Flask|Jekyll|Hugo|Gatsby|React|Vue|Angular|Svelte|Ember|Ruby|Julia|Ada|Pascal|Fortran|Cobol|"
            "Lisp|Scheme|Prolog|Perl|Rust|Kotlin|Swift|Python|Haskell|Erlang|Elixir|Clojure|Maven|Gradle|Bazel|"
            "Jira|Trello|Pandas|NumPy|SciPy|PyTorch|TensorFlow|Azure|Intune|Entra|Entra ID|DevOps|Kubernetes|"
            "Docker|Podman|Vagrant|Consul|Vault|Nomad|Istio|Linkerd|Cilium|Falco|Envoy|SPIRE|Hadoop|Spark|Hive|"
            "Flink|Pinot|Druid|Keras|Caffe|Theano|Celery|Nginx|Apache|Tomcat|Jetty|Caddy|Varnish|Windows|Lambda|"
            "DynamoDB|RDS|RDS Proxy|Aurora|Athena|Glue|Redshift|CloudWatch|CloudTrail|X-Ray|Ray|GraphQL|Linux|"
            "Ubuntu|Debian|Fedora|Android|macOS|iOS|Sonoma|Ventura|Monterey|Sequoia|Catalina|Mojave|Tahoe|Jammy|"
            "Noble|Focal|Bionic|Bookworm|Bullseye|Buster|Stretch|Jessie|Oreo|Nougat|Marshmallow|Lollipop|Luna|"
            "Juno|Apollo|Hermes"
        ),
        None,
    ),
    (
        1,
        "Mercury|Venus|Earth|Mars|Jupiter|Saturn|Uranus|Neptune|Pluto|Ceres|Titan|Europa|Phobos|Deimos",
        None,
    ),
    (
        1,
        (
            "Dijkstra|Floyd|Warshall|Floyd-Warshall|Bellman|Kruskal|Prim|Huffman|Knuth|Morris|Pratt|Boyer|Moore|"
            "Rabin|Karp|Shannon|Nyquist|Hamming|Nash|Hooke|Boyle|Planck|Maxwell|Faraday|Doppler|Bloom|Turing|Bayes|Gauss|Newton|Euler|Fourier|Laplace|Poisson|Bernoulli|Markov|Kalman|"
            "Fisher|Pearson|Spearman|Celsius|Fahrenheit|Kelvin|Joule|Watt|Volt|Ampere|Ohm|Hertz|Pascal|Boole|"
            "Cantor|Hilbert|Riemann|Fermat|Archimedes|Pythagoras"
        ),
        None,
    ),
    (
        1,
        ("Zeus|Hera|Apollo|Ares|Artemis|Athena|Hermes|Poseidon|Hades|Demeter|Odin|Thor|Loki|Freya|Osiris|Isis|Horus"),
        None,
    ),
    (
        1,
        ("Hamlet|Macbeth|Othello|King Lear|Romeo|Juliet|Odysseus|Achilles|Faust|Don Quixote|Ulysses|Frankenstein"),
        None,
    ),
    (
        2,
        ("Rose|Lily|Daisy|Iris|Violet|Jasmine|Ivy|Heather|Poppy|Tulip|Orchid|Marigold|Dahlia|Hazel|Olive|Fern|Holly"),
        None,
    ),
    (
        1,
        (
            "Faith|Hope|Charity|Prudence|Temperance|Justice|Fortitude|Patience|Chastity|Diligence|Humility|Mercy|"
            "Joy|Sadness|Anger|Fear|Disgust|Peace|Love|Harmony|Truth|Wisdom|Courage|Honor|Glory|Gratitude|"
            "Kindness|justice|peace|love|truth|glory|honor|anger|sadness|fear|wisdom|hope|faith|charity|harmony|"
            "happiness"
        ),
        None,
    ),
    (
        1,
        "Spring|Summer|Autumn|Fall|Winter|spring|summer|autumn|winter",
        None,
    ),
    (
        1,
        (
            "Mercedes|Tesla|Ford|Lincoln|Dodge|Chrysler|Chevrolet|Toyota|Honda|Nissan|BMW|Audi|Volkswagen|"
            "Porsche|Ferrari|Fiat|Peugeot|Renault|Skoda|Seat|Kia|Hyundai|Volvo|Jaguar|Bentley|Lexus|Infiniti|Acura|Subaru|Mazda|"
            "Suzuki|Opel|Citroën|Jeep|Buick|Cadillac|Pontiac|Saab|Lancia|Maserati|Lamborghini|Rivian|Polestar|Dacia"
        ),
        None,
    ),
    (
        1,
        (
            "Christmas|Easter|Pentecost|Epiphany|Advent|Lent|Whitsun|Halloween|Thanksgiving|Hanukkah|Passover|Purim|Ramadan|Eid|"
            "Diwali|Holi|Nowruz|Carnival|Yule|Michaelmas|Candlemas"
        ),
        None,
    ),
    (
        2,
        (
            "Georgia|Virginia|Carolina|Dakota|Montana|Alabama|Texas|Florida|Ohio|Nevada|Utah|Iowa|Kansas|Arizona|"
            "Indiana|Maine|Oregon|Idaho|Vermont|Delaware|Maryland|Kentucky|Tennessee|Louisiana|Washington|"
            "California|Colorado"
        ),
        None,
    ),
    (
        2,
        (
            "Paris|London|Berlin|Florence|Venice|Rome|Milan|Vienna|Sydney|Melbourne|Adelaide|Victoria|Austin|"
            "Dallas|Houston|Madison|Charlotte|Phoenix|Denver|Chelsea|Brooklyn|Orlando|Savannah|Lima|Madrid|"
            "Lisbon|Dublin|Oslo|Prague|Geneva|Lincoln|Jackson|Boston|Chicago|Seattle|Miami|Atlanta|Cleveland|"
            "Memphis|Nashville|Portland|Tokyo|Delhi|Mumbai|Dubai|Cairo|Athens|Barcelona"
        ),
        None,
    ),
    (
        2,
        "January|February|March|April|May|June|July|August|September|October|November|December",
        None,
    ),
    (
        2,
        (
            "Red|Blue|Green|Yellow|Indigo|Violet|Scarlet|Amber|Rose|Olive|Teal|Magenta|Cyan|Turquoise|Crimson|"
            "Ivory|Ebony|Jade|Coral|Sienna|Hazel|Gray|Grey|Brown|Black|White"
        ),
        None,
    ),
    (
        1,
        "Ginger|Basil|Rosemary|Sage|Saffron|Pepper|Dill|Cayenne|Vanilla|Mint",
        (
            "Saffron|Dill|Thyme|Oregano|Parsley|Coriander|Cumin|Turmeric|Cinnamon|Paprika|Mint|Chive|Clove|Nutmeg|Vanilla|Anise|Tarragon|"
            "Fennel|Cayenne|Cardamom|Garlic|Onion|Salt|Curry|thyme|oregano|parsley|garlic|mint|salt"
        ),
    ),
    (2, "Ginger|Basil|Rosemary|Sage|Saffron|Pepper", None),
    (
        1,
        "Ruby|Pearl|Amber|Crystal|Jade|Opal|Coral|Garnet",
        "Emerald|Sapphire|Topaz|Diamond|Garnet|Amethyst|Beryl|Onyx|Quartz|Turquoise|Agate",
    ),
    (2, "Ruby|Pearl|Amber|Crystal|Jade|Opal|Coral|Emerald|Sapphire|Beryl", None),
    (
        1,
        "Chad|Jordan|Georgia|Israel|Kenya|India|China|Cuba|Cyprus|Malta|Ireland|Holland|France",
        (
            "Mali|Niger|Nigeria|Sudan|Egypt|Syria|Lebanon|Iraq|Iran|Saudi Arabia|Yemen|Oman|Qatar|Libya|Algeria|"
            "Morocco|Tunisia|Cameroon|Ghana|Togo|Benin|Senegal|Gambia|Uganda|Rwanda|Burundi|Tanzania|Malawi|"
            "Zambia|Zimbabwe|Botswana|Namibia|Angola|Ethiopia|Eritrea|Somalia|Armenia|Azerbaijan|Turkey|Ukraine|"
            "Moldova|Russia|Kazakhstan|Uzbekistan|Pakistan|Bangladesh|Nepal|Bhutan|Myanmar|Thailand|Laos|"
            "Cambodia|Vietnam|Malaysia|Indonesia|Philippines|Japan|Korea|Greece|Bulgaria|Romania|Serbia|Germany|"
            "Poland|Hungary|Austria|Switzerland|Israel|Palestine"
        ),
    ),
    (
        1,
        (
            "Stanford|Cornell|Brown|Yale|Princeton|Harvard|Duke|Baylor|Columbia|Dartmouth|Rice|Emory|Vanderbilt|"
            "Oxford|Cambridge|Tufts|Drexel|Howard|Purdue|Berkeley|MIT|Caltech|UCLA"
        ),
        (
            "Stanford|Cornell|Yale|Princeton|Harvard|Baylor|Dartmouth|Emory|Vanderbilt|Oxford|Cambridge|Purdue|"
            "Berkeley|MIT|Caltech|UCLA"
        ),
    ),
    (
        1,
        (
            "Margarita|Martini|Mojito|Cosmopolitan|Daiquiri|Manhattan|Negroni|Bellini|Mimosa|Bloody Mary|"
            "Tom Collins|Gimlet|Caipirinha|Paloma|Shirley Temple|Aperol|Spritz|Piña Colada"
        ),
        None,
    ),
    (
        2,
        "Charlie|Juliet|Mike|November|Oscar|Romeo|Sierra|Victor|Foxtrot|India|Lima|Papa|Quebec",
        "Alpha|Alfa|Bravo|Charlie|Delta|Echo|Foxtrot|Golf|Hotel|Juliett?|Kilo|Papa|Quebec|Tango|Uniform|Whiskey|Yankee|Zulu",
    ),
    (
        1,
        (
            "Pikachu|Charizard|Zelda|Link|Mario|Luigi|Snoopy|Garfield|Barbie|Elsa|Olaf|Shrek|Nemo|Dory|Simba|Woody|Buzz|Gandalf|Frodo|"
            "Yoda|Sonic|Kirby|Peach|Bowser|Yoshi|Batman|Superman|Thor|Loki|Hulk|Woodstock|Goofy|Pluto|Donald|Mickey|Minnie|Daisy"
        ),
        "Pikachu|Charizard|Zelda|Link|Snoopy|Garfield|Shrek|Gandalf|Frodo|Yoda|Bowser|Yoshi|Batman|Superman|Hulk|Goofy",
    ),
    (
        1,
        "Brie|Camembert|Gouda|Cheddar|Edam|Feta|Parmesan|Mozzarella|Ricotta|Manchego|Roquefort|Stilton|Gruyère|Halloumi",
        None,
    ),
)
"""Things of one kind that are called as people are: how many others of them stand beside one that is meant, and which
others count (None: all of them)."""
_MEMBERS: Final = [
    (
        least,
        frozenset(names.split("|")),
        re.compile(rf"\b(?:{'|'.join(sorted((others or names).split('|'), key=len, reverse=True))})\b"),
    )
    for least, names, others in _GROUPS
]
_KINDS: Final[dict[str, list[tuple[int, re.Pattern[str]]]]] = {}
"""By name, of which kinds it is: how many others there have to be, and what they are."""
for _least, _names, _named in _MEMBERS:
    for _name in _names:
        _KINDS.setdefault(_name, []).append((_least, _named))
SCIENTISTS: Final = next(names for _, names, _ in _MEMBERS if "Kruskal" in names)
"""Those whose laws and theorems are spoken of."""
_SPELLED: Final = frozenset(
    "Alpha Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliet Juliett Kilo Lima Mike November Oscar Papa Quebec Romeo "
    "Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu".split()
)
"""The letters as pilots spell them."""
_AROUND: Final = 200
_ACTS: Final = re.compile(
    r" (?:wrote|writes|said|says|asked|sent|told|called|thinks|thought|wants|wanted|likes|emailed|phoned|texted|replied|agreed|"
    r"confirmed|approved|signed (?:it|the|my|off)|complained|resigned|forgot|needs|from (?:accounting|sales|support|hr|HR|legal|"
    r"finance|marketing|IT))\b"
)
"""What people do, and things do not."""
_PART_OF_A_SAYING: Final = re.compile(
    r"(?:Marks (?:and|&) |Abercrombie & |Dow |Deloitte,? (?:and )?|Mother |Father |Uncle |Little |Peach |"
    r"Rob Peter to pay |Barnes (?:and|&) |"
    r"Ben (?:and|&) |Johnson (?:and|&) |Procter (?:and|&) |Smith (?:and|&) |Black (?:and|&) |Standard (?:and|&) |"
    r"Ernst (?:and|&) |"
    r"Duke of |Duchess of |Romeo and |Adam and |Tom and |Lilo and |Hansel and |Cambridge |Cyclone |King |Queen )\Z"
)
"""What a name stands behind in a figure of speech or in a firm's name."""
_IN_A_SAYING: Final = frozenset(
    "York Spencer Fitch Jones McKinsey Teresa Christmas Sam Ben Debbie Melba Paul Noble Jerry Gamble Wesson Decker Poor Young "
    "Juliet Eve Stitch Gretel Analytica Arthur".split()
)
_NUMERAL: Final = re.compile(r" (?:II|III|IV|VI{1,3}|IX|X{1,2}I{1,3}|XI?[VX])\b")
_BOOKS: Final = frozenset(
    "Peter John Mark Luke Matthew Timothy Daniel Samuel Joshua Ruth Esther James Jude Titus Isaiah Ezekiel".split()
)
_VERSE: Final = re.compile(
    r" (?:[0-9]{1,3}:[0-9](?![0-9])|[0-9]{1,3}:(?:[6-9][0-9]|1[0-9]{2})(?![0-9])|(?:2[4-9]|[3-9][0-9]):[0-9]{2}(?![0-9:]))"
)
"""A verse, which no time of the day reads as."""
_TEAMS: Final = frozenset(
    "Hornets Cowboys Rockets Broncos Suns Nets Lakers Bulls Knicks Mavericks Texans Cubs Yankees Dodgers Giants Raiders Dolphins "
    "Falcons Ravens Packers Vikings Eagles Steelers Patriots Celtics Raptors Grizzlies Pelicans Spurs Pistons Bucks FC".split()
)
_TEAM: Final = re.compile(rf" (?:{'|'.join(sorted(_TEAMS))}|Magic(?= (?:game|won|lost|vs)|\Z|[.,]))\b")
_MONARCH: Final = re.compile(r"[A-Z][a-z]{2,12} (?:II|III|IV|VI{1,3}|IX|X{1,2}[IV]{0,4})")
_STORM: Final = re.compile(
    r"\b(?:[Hh]urricane|[Tt]yphoon|[Cc]yclone|(?:[Tt]ropical )?[Ss]torm|Saint|[Ff]easts? of (?:St\.? |Saint )?|[Oo]peration|"
    r"[Pp]roject|[Cc]odename|[Cc]odenamed) [\"“']?\Z"
)
"""What is called by a given name."""
_SAINT: Final = re.compile(r"\b(?:St\.?|San|Saint) \Z")
_SAINTS: Final = re.compile(
    r"['’]?s? (?:Day|Cathedral|Church|Hospital|School|College|Parish|Square|Street|Basilica|Abbey|Island|Eve)\b"
)
_OF_SCIENCE: Final = re.compile(
    r"['’]s (?:(?:exact|inverse|first|second|third|last|little|great|zeroth) )?(?:law|laws|theorem|lemma|conjecture|"
    r"paradox|razor|inequality|"
    r"disease|syndrome|palsy|lymphoma|sarcoma|ataxia|chorea|equations?|(?<=exact )test|principle|constant|sieve|triangle|formula|"
    r"Web\b|Angels\b|Anatomy\b|Diner\b|Razor\b|Law\b|cradle|cube)(?! (?:firm|school|degree|office|exam|notes)\b)"
    r"| (?:criterion|theorem|conjecture|paradox|algorithm|distributions?|inequality|coefficient|transform|lemma|syndrome|diagram|"
    r"hypothesis|heuristic|ratio|cipher|polynomials?|integral|sampling|divergence|estimator|notation|curve|wavelet|matrix)\b"
)
"""What is named after somebody who is long dead."""
_GOODS: Final = re.compile(
    r" (?:soils?|beach(?:es)?|loam|nails|rice|pesto|leaves(?= (?:are|fall|turn|on)|\b[.,;!?]|\Z)|chicken|ham|"
    r"ale|tractors?|proposals?|applications?|"
    r"coding|chains?|entropy|"
    r"discussions?|talks?|exchange|conversations?|feedback|opinions?|assessments?|singing|singers?|gold|quartz|"
    r"wines?|water|oils?|"
    r"tea|juice|salad|sauce|powder|extract|flavou?rs?|essence|bread|cakes?|cookies|beer|ale|soup|spices?|seeds?|trees?|bush|bushes|"
    r"gardens?|petals?|flowers?|bouquets?|colou?rs?|eyes|skin|hair|dress|shades?|hue|stones?|gems?|jewel(?:le)?ry|necklaces?|values|"
    r"church(?:es)?|architecture|invasion|conquest|castles?|kings|datasets?|library|framework|language|compiler|packages?|modules?|"
    r"plugins?|tests|specs|runner|stocks?|jar|auctions?|candy|alerts?|warnings?|season|festivals?|markets?|holidays?|sales?|"
    r"collections?|weather|sky|skies|chorus|patrol|species|birds?|songbirds?|nests?|eggs|line|lines|station|hall|wall|lab|labs|"
    r"leaf|pots?|berries|branches|wreaths?|bells?|shells?|beads?|earrings?|glass|diamonds?|meth|vase|bowl|ball|tones?|"
    r"plants?|diffusers|killing|awards?|ratings|builds? (?:is|was|failed|passed|broke)|pipelines?|amps?|borealis|templates?|"
    r"(?:grows?|blooms?|blossoms?|wilts?|sprouts?) (?:on|in|along|best|well|wild|every|from|under|at|beside|here)\b|"
    r"breaks\b|break\b|broke\b(?! (?:up|down|the|his|her|my|it|in))|builds a nest|laid eggs|dataset)\b(?!['’])"
)
"""Wares, colours, creatures and abstractions that a word before them is said of: what nobody's name stands before."""
_TITLES_OF: Final = frozenset("Dean Major Bishop Prince Duke Earl Baron Abbot King Queen Page Bill Grant".split())
_MORE_WORDS: Final = frozenset(
    "frank norman jasmine iris robin martin carol violet holly rosemary heather daisy lily poppy april june sterling sandy rusty "
    "dusty lance gloria viola angelica veronica erica myrtle laurel linden jade opal coral garnet sienna scarlett cherry "
    "mercy reed travis jenkins marshall tony emmy oscar nielsen gibson aurora jasper "
    "berry plum apple peaches candy honey cookie duke earl baron king queen prince knight bell ball cook".split()
)
_IS_ONE: Final = re.compile(
    r" (?:is|are|was|were) (?:(?:a|an|the|one of the|my favou?rite) )?(?:[a-z-]{2,14} ){0,3}(?:birds?|flowers?|plants?|"
    r"herbs?|spices?|"
    r"gems?|gemstones?|colou?rs?|trees?|shrubs?|fish|cocktails?|drinks?|months?|seasons?|storms?|comets?|asteroids?|galaxy|"
    r"constellations?|god|goddess|deity|novel|play|films?|movies?|songs?|albums?|bands?|fonts?|codename|releases?|compan(?:y|ies)|"
    r"brands?|chatbots?|bots?|ferment|fruits?|vegetables?|dish|dessert|cheese|breed|car maker|carmaker|moons?|crater)\b"
)
TOWNS: Final = frozenset(
    "Paris London Berlin Florence Venice Rome Milan Vienna Sydney Melbourne Adelaide Austin Dallas Houston Madison Charlotte "
    "Phoenix Denver Chelsea Brooklyn Orlando Savannah Lima Lisbon Dublin Geneva Lincoln Jackson Alexandria Siena Verona "
    "Valencia Santiago Asia Kenya Israel Jordan Chad Georgia Virginia Carolina Victoria".split()
)
_AS_A_TOWN: Final = re.compile(
    r" (?:is|was|gets|looks|feels) (?:so |very |really |too |always |quite )?(?:lovely|beautiful|sunny|rainy|hot|cold|warm|humid|"
    r"crowded|expensive|cheap|touristy|foggy|snowy|far|near|north|south|east|west|in (?:Europe|Italy|Texas|Africa|Asia|the))\b"
    r"|(?:, we have a problem| vs\.? )"
)
_STATES: Final = next(names for _, names, _ in _MEMBERS if "Carolina" in names)
_TOWN_BEFORE: Final = re.compile(r"[A-Z][a-z]+, \Z")
_ENDS_A_PLACE: Final = frozenset(("", ";", ".", ")", "\n"))
"""What stands behind the state of a town: `Madison, Georgia;`."""
_MAKERS: Final = frozenset(
    "Ford Mercedes Tesla Lincoln Dodge Chrysler Bentley Porsche Ferrari Honda Jaguar Peugeot Renault".split()
)
_AS_A_MAKER: Final = re.compile(
    r" (?:recalled|recalls|unveiled|unveils|shares?|stocks?|dealers?|dealerships?|Focus|Fiesta|Mustang|Transit|Motors?|F-?150|"
    r"Explorer|Escape|Bronco|CEO|announced|sales|plants?|cars?|trucks?|vehicles?|models?|engines?|and (?:GM|Toyota|Chevy))\b"
)
_WATERS: Final = frozenset("River Island Islands County Creek Mountain Mountains Peninsula".split())
_ALSO_SURNAMES: Final = frozenset("Lake Bay Valley Falls Beach".split())
_SOMEWHERE: Final = re.compile(r"\b(?:the|at|near|in|on|around|across|from) \Z", re.IGNORECASE)
"""Last words of a place that begins with a name: the Charles River. Some are surnames too: Veronica Lake."""
_SAYINGS: Final = re.compile(
    r"(?:Bloody Mary|Mario (?:Kart|Bros|Party)|Earl Grey|Duke of York|Jackson 5\b|Ben 10\b|Sam (?:&|and) Max\b|"
    r"Paris Saint-Germain|Dean['’]s list|"
    r"Penny wise|Holly and Ivy|Den Bosch|Den Haag|Jack of all|Jack-of-all|Peeping Tom|Uncle Sam|"
    r"Uncle Ben['’]s|John Doe|"
    r"Jane Doe|Joe Bloggs|Max Mustermann|Erika Mustermann|Tom and Jerry|Simon says|Nosy Parker|Jack Frost|Father Christmas|"
    r"Mother Teresa|Barbie\b|Josh kidding|Lorem Ipsum|Rosetta Stone|Adam['’]s apple|Achilles heel|Trojan\b|Peter Pan\b|"
    r"Robin Hood\b|"
    r"King Arthur\b|Joan of Arc|Alexander the Great|Julius Caesar|Charlie Brown\b|Lara Croft|Robinson Crusoe|Oliver Twist\b|"
    r"Anna Karenina|Moby Dick|Jane Eyre|Tom Sawyer|Huckleberry Finn|Peter Rabbit|Dracula|Cinderella|Pinocchio|Gulliver|"
    r"Stella Artois|Dow Jones|Merriam[- ]Webster|Ritz[- ]Carlton|Johns Hopkins|Sloan Kettering|Les Paul\b|Dolby|"
    r"Oscar Mayer|Tim Hortons|"
    r"Abercrombie|Duncan Hines|Sara Lee (?:cake|bread|pie)|Aurora borealis|Winston-Salem|Cambridge Analytica|Santa Monica|"
    r"Santa (?:Barbara|Clara|Cruz|Fe|Ana|Rosa)|San (?:Diego|Jose|José|Antonio|Francisco|Juan|Marino|Salvador)|Victoria Falls|"
    r"Glen Canyon|Rob Peter to pay Paul|Peach Melba|Eggs Benedict|Beef Wellington|Sierra Nevada|Rocky Mountains|"
    r"(?:Tom Collins|Shirley Temple|Arnold Palmer|Jack Daniels?)(?= (?:recipe|drink|on ice|and|cocktail|mocktail|with)|, no ice)|"
    r"(?:Dale Carnegie|Marie Kondo|Jane Austen|Charles Dickens|Mark Twain|Ernest Hemingway|Agatha Christie)\b)"
)
"""Figures of speech and of samples."""


_FIRM: Final = re.compile(
    r"(?: ?['’]s?| s)? (?:(?:Auto|Tire|Dental|Family|Country|Seafood|Chinese|Mexican|Italian|Thai) (?=[A-Z]))?"
    r"(?:Pizza|Pizzeria|Restaurant|Grille?|Diner|Deli|Bakery|Caf[eé]|Pub|Tavern|Steakhouse|Bistro|Burgers|BBQ|Tacos|Sushi|"
    r"Donuts|Karate|Gym|Salon|Barbershop|Auto|Motors|Motorsports|Garage|Plumbing|Roofing|Towing|Landscaping|Florist|Furniture|"
    r"Hardware|Cleaners|Supermarket|Jewelers|Bookstore|Pharmacy|Realty|Foods|Farms|Chocolates|Records|Airlines|Industries|"
    r"Holdings|Partners|Associates|Enterprises|Consulting|Technologies|Pharmaceuticals|Brewery|Winery|Vineyards)\b"
)
"""What a firm does that has somebody's name: `Ray's Pizza`."""
_CALLS_A_STORM: Final = frozenset(
    "hurricane typhoon cyclone storm saint st of feast feasts operation project codename codenamed".split()
)
_IS_SAINT: Final = frozenset({"st", "san", "saint"})
"""Last words of what those patterns look for, by which it is told soonest that they do not match."""
_LONGEST_WORD: Final = 16


def word_before(text: str, start: int) -> str:
    """The word before a position, in lower case and without signs."""
    words = text[max(0, start - _LONGEST_WORD) : start].split()
    return words[-1].strip("\"“”‘’'()[]{}*_.,;:-").lower() if words else ""


def is_product(text: str, start: int, end: int) -> bool:
    """Whether a name is one of a product, with another beside it."""
    least, names, named = _MEMBERS[0]
    return text[start:end] in names and _beside_its_kind(text, start, end, least, named)


def is_thing(text: str, start: int, end: int, name: str) -> bool:
    """Whether what a model takes for a person is a thing, by what stands around it."""
    if _SAYINGS.match(text, start) or _MONARCH.fullmatch(name) or _FIRM.match(text, end):
        return True
    words = name.split()
    if _are_words_of_a_thing(text, start, words) if len(words) > 1 else _is_word_of_a_thing(text, start, end, name):
        return True
    kinds = _KINDS.get(name)
    if kinds is None or (_ACTS.match(text, end) and words[0].lower() in load("given")):
        return False
    return any(_beside_its_kind(text, start, end, *kind) for kind in kinds)


def _are_words_of_a_thing(text: str, start: int, words: list[str]) -> bool:
    """Several words: letters as pilots spell them, or the name of a river."""
    if _SPELLED.issuperset(words) or words[-1] in _WATERS or words[-1] in _TEAMS:
        return True
    if len(words) == 2 and words[1].islower() and _is_attribute(text, start + len(words[0]), words[0]):
        return True
    return words[-1] in _ALSO_SURNAMES and _SOMEWHERE.search(text, max(0, start - 8), start) is not None


_AS_WORDS: Final = re.compile(
    r"(?:, [A-Z][a-z]+){0,6}(?:,? (?:and|or) [A-Z][a-z]+)? (?:are|were|as) (?:\w+ ){0,3}(?:verbs|nouns|words|adjectives|homonyms|"
    r"birds|trees|flowers|plants|herbs|spices|gems|gemstones|colou?rs|months|planets|moons|languages|frameworks|databases|"
    r"cities|towns|states|countries|rivers|dynasties|storms|hurricanes|tragedies|comedies|plays|operas|novels|films|movies|"
    r"bands|fonts|brands|cheeses|wines|cocktails|breeds|units)\b|"
    r"(?: (?:and|or) [A-Z][a-z]+)? (?:dynast(?:y|ies)|Doctrine|Treaty|Cent(?:er|re)|nails|screws|screwdrivers?)\b|"
    r" (?:fell|rose|gained|lost|weakened|strengthened|slipped|slid|traded) (?:\w+ ){0,3}(?:against|versus|vs) the "
    r"(?:dollar|euro|yen|pound)\b"
)


def _is_word_of_a_thing(text: str, start: int, end: int, name: str) -> bool:  # noqa: PLR0911 - a list of reasons
    """One word, by the words right before and behind it."""
    low, before = max(0, start - 24), word_before(text, start)
    if (before in _CALLS_A_STORM and _STORM.search(text, low, start)) or _OF_SCIENCE.match(text, end):
        return True
    if name in _IN_A_SAYING and _PART_OF_A_SAYING.search(text, low, start):
        return True
    if (before in _IS_SAINT and _SAINT.search(text, low, start) and _SAINTS.match(text, end)) or _AS_WORDS.match(
        text, end
    ):
        return True
    if name in _TITLES_OF and text.startswith(" of ", end):
        return True
    if name in _STATES and _TOWN_BEFORE.search(text, low, start) and text[end : end + 1] in _ENDS_A_PLACE:
        return True
    if name in TOWNS and _AS_A_TOWN.match(text, end):
        return True
    if name in _MAKERS and _AS_A_MAKER.match(text, end):
        return True
    if _NUMERAL.match(text, end) or (name in _BOOKS and _VERSE.match(text, end)) or _TEAM.match(text, end):
        return True
    return _is_attribute(text, end, name)


def _is_attribute(text: str, end: int, name: str) -> bool:
    """Whether a word that is a name too stands before what is said of it."""
    word = name.lower()
    return (word in ALSO_NAMES or word in _MORE_WORDS) and (
        _GOODS.match(text, end) or _IS_ONE.match(text, end)
    ) is not None


def _beside_its_kind(text: str, start: int, end: int, least: int, named: re.Pattern[str]) -> bool:
    """Whether so many others of its kind stand around a name."""
    around = {match[0] for match in named.finditer(text, max(0, start - _AROUND), end + _AROUND)}
    return len(around - {text[start:end]}) >= least
