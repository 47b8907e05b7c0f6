"""The global set: on in every configuration."""

from __future__ import annotations

from extproc.pii.packs import words
from extproc.pii.passwords import CODES_TO_PLACES
from extproc.pii.recognizer import Recognizer as R  # noqa: N817 - a table reads better with a short name

ID_VALUE = r"[A-Z]{0,5}[-#]?[A-Z0-9]*[0-9][A-Z0-9]*(?:[-/.][A-Z0-9]+)*"
_PEM = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDbL7GpqkUMxUm2QmU1TtZ8pnkz9u1Q5aU0M5\n-----END PRIVATE KEY-----"
)

RECOGNIZERS = (
    R("EMAIL_ADDRESS", "global", how="shape", example="ada@example.org"),
    R(
        "PHONE_NUMBER",
        "global",
        labels=words.PHONE,
        unlabelled="mask",
        how="numbering plan of the country, or shape",
        example="+44 20 7946 0958",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="999-999-9999 9-999-999-9999",
        labels=words.PHONE,
        pattern=r"(?:1[ .-])?[2-9][0-9]{2}[ .-][0-9]{3}[ .-][0-9]{4}",
        separators=" .-",
        unlabelled="mask",
        odds=0.5,
        example="415-555-0132",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="99-99-99-99-99",
        labels=words.PHONE,
        pattern="0.+",
        check="phone:FR",
        separators=" .-",
        unlabelled="mask",
        odds=0.1,
        example="06 12 34 56 78",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes=(
            "99999-999999 999-9999-9999 9999-999-9999 99999-999-999 99-9999-9999 9999-99-9999 9999-9999999 "
            "999-99999999 9999-99999999"
            " 9999-999-999 9999-999-99-99 9-999-999-99-99 99-99999999 9999-99-99-99 999-999-99-99 "
            "999-999-9999 999-9999999 9999-999999"
            " 9999-9999-9999 9999-999-9999 99-999-99-99 99-999-9999 999-999-9999 999-999999"
        ),
        labels=words.PHONE,
        pattern="0 ?[1-9].+",
        check="phone:trunk",
        separators=" -",
        unlabelled="mask",
        odds=0.1,
        example="020 7946 0958",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="999-9999999 999-99999999 9999-9999999 9999-99999999 9999-999999 99999-999999 99999-9999999",
        labels=words.PHONE,
        pattern="0[1-9].+",
        check="phone:DE,AT",
        separators="/",
        unlabelled="mask",
        odds=0.1,
        example="0171/1234567",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="99999999999 9999999999",
        labels=words.PHONE,
        pattern="0 ?[1-9].+",
        check="phone:trunk",
        unlabelled="alone",
        odds=0.6,
        example="09191234567",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="999-9999-9999",
        labels=words.PHONE,
        pattern="1[3-9].+",
        check="phone:CN",
        unlabelled="mask",
        odds=0.1,
        example="138 1234 5678",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="99-99999-9999",
        labels=words.PHONE,
        pattern=r"[1-9][1-9] 9[0-9]{4}-[0-9]{4}",
        unlabelled="mask",
        odds=0.4,
        example="11 98456-5666",
    ),
    R(
        "PHONE_NUMBER",
        "global",
        shapes="9-999-999-99-99 99999999999",
        labels=words.PHONE,
        pattern="8[ -]?9.+",
        separators=" -",
        unlabelled="leave",
        example="тел. 8 912 345-67-89",
    ),
    R(
        "CREDIT_CARD",
        "global",
        shapes="9999999999999999 9999-9999-9999-9999 9999-999999-99999 9999-999999-9999 999999999999999 99999999999999"
        " 9999999999999 9999999999999999999 999999999999 9999999999999-999 9999-9999-9999-9999-999 99999999-99999999"
        " 99999999999999999 999999999999999999 999999-9999999999 999999-9999999999999 9999-9999-9999-99 99999999-999999"
        " 9999-9999-9999-999 9999-99999-999999 99999999-9999999 9999999999-999999 99999-99999-99999 9999-999999-999999 "
        "9999-9999-9999-9999-9"
        " 9999-999999999999 999999999999-9999 99999999-9999-9999 9999-99999999-9999 9999-9999-99999999",
        labels=(
            "credit card|card|card number|card no|cc|ccn|cc number|debit card|debit|credit card number|visa|"
            "mastercard|amex|"
            "american express|discover|maestro|pan|payment card|kreditkarte|kreditkartennummer|kartennummer|"
            "carte|carte bancaire|"
            "carte de crédit|numéro de carte|tarjeta|tarjeta de crédito|número de tarjeta|carta di credito|"
            "carta|cartão|cartão de crédito|"
            "creditcard|creditcardnummer|kaart|karta|karty|numer karty|karty płatniczej|nr karty|kreditkort|"
            "kortnummer|kort|luottokortti|"
            "kredi kartı|kart|kart numarası|信用卡|クレジットカード|カード番号|신용카드|카드번호|卡号|банковская карта|карта"
        ),
        check="luhn",
        pattern=r"(?:[1-9][0-9 .-]+)",
        unlabelled="mask",
        odds=0.02,
        separators=" -.",
        example="4111 1111 1111 1111",
    ),
    R(
        "CREDIT_CARD",
        "global",
        labels="credit card|card|card number|card no|debit card|visa|mastercard|amex|kreditkarte|karte|carte|tarjeta|cartão",
        led="[0-9]{4}",
        between=r"last.?(?:4|four)|\bend(?:ing|s)?\b|terminad[ao]|\btermina\b|finissant|terminant|\bend(?:et|end) auf",
        least_length=4,
        how="last four digits after their label",
        example="card ending in 4242",
    ),
    R(
        "IBAN_CODE",
        "global",
        labels=words.ACCOUNT + "|iban number|iban no|international bank account",
        check="iban",
        unlabelled="mask",
        odds=0.01,
        how="country and its length",
        example="DE89 3704 0044 0532 0130 00",
    ),
    R("IP_ADDRESS", "global", labels="ip|ip address|ipv4|ipv6", how="public address", example="203.0.113.7"),
    R(
        "MAC_ADDRESS",
        "global",
        labels="mac|mac address|hardware address|physical address|ethernet|bssid",
        led=r"[0-9A-Fa-f]{2}(?:[ :.-]?[0-9A-Fa-f]{2}){5}(?:[ :.-]?[0-9A-Fa-f]{2}){0,2}",
        how="shape",
        unlabelled="mask",
        example="00:1A:2B:3C:4D:5E",
    ),
    R(
        "CRYPTO",
        "global",
        labels=(
            "wallet|wallet address|deposit address|solana|solana address|solana wallet|sol|phantom|bitcoin|bitcoin address|"
            "btc|bch|bitcoin cash|bitcoincash|litecoin|ltc|dogecoin|doge|cardano|polkadot|dot|kusama|stellar|xlm|avax|"
            "near|algorand|"
            "ethereum|eth|crypto address|usdt|usdc|tron|trx|xrp|monero|xmr|crypto wallet"
        ),
        led=(
            r"(?=[1-9A-HJ-NP-Za-km-z]{0,47}[a-km-z])(?=[1-9A-HJ-NP-Za-km-z]{0,47}[A-HJ-NP-Z])"
            r"(?:[48][1-9A-HJ-NP-Za-km-z]{94}|[1-9A-HJ-NP-Za-km-z]{32,48})|(?:bitcoincash:)?[qp][02-9ac-hj-np-z]{41}"
        ),
        least_length=32,
        how="Base58Check, Bech32, EIP-55, or Base58 after its label",
        unlabelled="mask",
        example="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ),
    R("SECRET_KEY", "global", how="vendor prefix and length", unlabelled="mask", example="AKIAIOSFODNN7EXAMPLE"),
    R(
        "JWT",
        "global",
        how="three base64url parts, the first a JSON header",
        unlabelled="mask",
        example="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ),
    R("PRIVATE_KEY", "global", how="PEM block", unlabelled="mask", example=_PEM),
    R(
        "PASSWORD",
        "global",
        labels=(
            "password|passwd|pwd|passphrase|passcode|pass|pw|secret|client secret|api key|apikey|api token|"
            "access token|"
            "auth token|secret key|access key|bearer|authorization|token|private key|encryption key|pin|pin code|otp|"
            "one time password|verification code|login code|alarm code|door code|gate code|entry code|access code|"
            "lock code|garage code|"
            "puk|puk code|safe combination|lockbox code|keypad code|sms code|2fa code|mfa code|authentication code|unlock code|"
            "code sent to my phone|code you sent|code they sent|code i got|code i received|code texted to me|"
            "code from the sms|code for the alarm|code for the door|code for the gate|code for the safe|"
            "code to the alarm|code to the door|"
            f"code to the gate|code to the safe|code to the building|{'|'.join(CODES_TO_PLACES)}|"
            "one time code|one time passcode|otp code|confirmation code|reset code|sim pin|card pin|security pin|pairing code|"
            "debit pin|atm pin|voicemail pin|phone pin|unlock pin|master password|recovery code|backup code|"
            "cvv|cvc|cvn|cvv number|cvc number|cvv code|cvc code|card "
            "verification code|"
            "credential|credentials|creds|zugang|zugangsdaten|anmeldedaten|identifiants|credenciales|credenziali|"
            "inloggegevens|psk|wpa psk|pre shared key|preshared key|requirepass|"
            "masterauth|wallet seed|"
            "seed phrase|seed words|recovery phrase|recovery words|mnemonic|mnemonic "
            "phrase|secret recovery phrase|backup phrase|secret phrase|wallet phrase|pass phrase|wifi password|wpa key|"
            "security code|passwort|kennwort|mot de passe|contraseña|clave|parola "
            "d'ordine|senha|"
            "palavra passe|wachtwoord|hasło|hasłem|hasła|lösenord|salasana|şifre|parola|adgangskode|passord|"
            "heslo|jelszó|пароль|密码|パスワード|비밀번호"
        ),
        how="label and a value that no prose would hold",
        example="password: hunter2!x",
    ),
    R(
        "URL_CREDENTIALS",
        "global",
        how="user info, or a token in the query",
        example="https://ada:s3cret@db.example.org/",
    ),
    R(
        "DATE_OF_BIRTH",
        "global",
        labels=(
            "nascido|nascida|nascidos|nata a|nato a|narozena|narozená|narozený|narodená|geborene|geborener|rojena|"
            "rođeni|dzimis|dzimusi|"
            "gimęs|gimusi|sündinud|γεννημένος|γεννημένη|родившийся|родившаяся|народжений|народжена|lahir di|kelahiran|"
            "ipinanganak|"
            "tarikh lahir|sinh năm|sinh|"
            "synt|synt aika|出生年月|"
            "yob|year of birth|birth year|né|née|nés|doğumlu|geburtsjahr|geburtstage|nacimiento|fecha de nacim|født den|född den|"
            "rođendan|роден|родена|дата на раждане|geboortejaar|urodzin|data urodzin|"
            "date of birth|birth date|birthdate|birthday|dob|d o b|born|born on|geburtsdatum|geboren|geboren "
            "am|geb|date de naissance|"
            "né le|née le|fecha de nacimiento|nacido|nacida|nacido el|nacida el|data di nascita|nato il|nata "
            "il|nato|nata|data de nascimento|"
            "nascido em|nascida em|nascimento|geboortedatum|geboren op|data urodzenia|urodzony|urodzona|"
            "urodzonym|urodzonej|urodzonego|ur|"
            "urodzony dnia|urodzonym dnia|födelsedatum|född|fødselsdato|født|syntymäaika|syntynyt|doğum "
            "tarihi|doğum|datum narození|narozen|"
            "születési idő|дата рождения|родился|出生日期|生年月日|생년월일|출생일|nomor lahir|tanggal lahir|ngày sinh|"
            "תאריך לידה|تاريخ الميلاد|تاريخ الولادة|تاریخ تولد|geb dat|생일|bday|b day|birthdays|dobs|birth|date birth|geb datum|"
            "geburtstag|geb am|"
            "geboortedag|ddn|naissance|f nac|fecha nac|nac|dt nasc|data nasc|nasc|родилась|родились|рожд|год рождения|д р|"
            "дата народження|народився|народилася|ημερομηνία γέννησης|γεννήθηκε|γεννηθείς|születési dátum|született|"
            "data nașterii|"
            "născut|născută|datum rođenja|rođen|rođena|rojen|dátum narodenia|narodený|gimimo data|dzimšanas datums|sünniaeg|"
            "วันเกิด|วันเดือนปีเกิด|जन्म तिथि|जन्मतिथि|जन्म दिनांक|জন্ম তারিখ|பிறந்த தேதி|tgl lahir|tempat tanggal lahir|lahir|"
            "sinh ngày|出生|生日|誕生日|출생"
        ),
        how="date right after its label",
        example="born 12 May 1980",
    ),
    R(
        "PASSPORT",
        "global",
        labels=words.PASSPORT,
        led=(
            r"(?i:[0-9]{2} ?[0-9]{2} [0-9]{6}|[0-9]{4} (?:№|no|номер) ?[0-9]{6}|[0-9]{2,3} [0-9]{6,7}|[A-Z]{1,3}[ -][0-9]{6,9}|"
            r"(?=(?:[A-Z]{0,6}[0-9]){3})[A-Z0-9]{6,10}<?)"
        ),
        least_length=6,
        example="passport LP5048339",
    ),
    R(
        "DRIVER_LICENSE",
        "global",
        labels=words.DRIVER,
        led=r"(?:DL:)?[A-Z0-9]{1,18}(?:[ -][A-Z]{0,3}[0-9][A-Z0-9]*){0,5}",
        example="driver's licence K932-778-3840",
    ),
    R(
        "IMEI",
        "global",
        shapes="999999999999999 99-999999-999999-9 999999-99-999999-9",
        labels="imei|imei number|imei no|numéro imei|numer imei|device identifier",
        check="luhn",
        unlabelled="leave",
        odds=0.1,
        example="IMEI 490154203237518",
    ),
    R(
        "MRN",
        "global",
        labels=(
            "pat id|pat no|pat nr|patient nr|patient identifier|hosp no|hospital no|unit number|fallnummer|"
            "medical record number|medical record|medical record no|med rec no|medrec|mrn|mr number|patient "
            "id|patient number|patient no|"
            "patientennummer|patienten id|numéro de patient|número de paciente|historia clínica|hospital "
            "number|chart number|health record number"
        ),
        led=ID_VALUE,
        how="prefix MRN or MED, or its label",
        example="MRN-380549",
    ),
    R(
        "MRN",
        "global",
        shapes="AAA-?9999 AAA-?99999 AAA-?999999 AAA-?9999999 AAA-?99999999 AAA-?999999999 AAA-?9999999999",
        labels="medical record number|medical record|mrn",
        pattern="(?:MRN|MED)-?[0-9]+",
        separators="-",
        unlabelled="mask",
        odds=0.01,
        how="prefix MRN or MED",
        example="MRN-380549",
    ),
    R(
        "INSURANCE_ID",
        "global",
        labels=(
            "claim number|claim no|claim nr|claim id|schadennummer|numéro de sinistre|número de siniestro|"
            "pol no|pol nr|policy nr|ins id|ins no|mem id|member no|member nr|subscriber no|group no|vers nr|versicherungs nr|"
            "health insurance number|health insurance|plan id|"
            "insurance id|insurance number|insurance policy|policy number|policy no|member id|member number|"
            "subscriber id|group number|"
            "insurance policy number|health plan number|health plan id|versicherungsnummer|"
            "versichertennummer|numéro d'assuré|numéro de police|"
            "número de póliza|póliza|polizza|numer polisy|polis|polisnummer|medicaid id|medicaid"
        ),
        led=ID_VALUE,
        example="member id XQH-4471-902",
    ),
    R(
        "ACCOUNT_ID",
        "global",
        labels=(
            "emp id|emp no|emp nr|employee nr|cust id|cust no|cust nr|pers nr|personal nr|kunden nr|kd nr|stud id|"
            "mitarbeiternummer|"
            "numéro d'employé|número de empleado|matricola|nr pracownika|"
            "employee id|employee number|employee no|staff id|personnel number|customer id|customer number|"
            "client id|client number|"
            "student id|student number|user id number|badge number|badge id|personalnummer|kundennummer|"
            "numéro client|número de cliente|"
            "numero cliente|klantnummer|numer klienta|kundnummer|asiakasnumero|müşteri numarası|membership "
            "number|police id|"
            "loyalty number|frequent flyer number|matrikelnummer|matricule|tribal id|tribal id number"
        ),
        led=ID_VALUE,
        example="customer number KD-448120",
    ),
    R(
        "ACCOUNT_ID",
        "global",
        labels=(
            "id card|id card number|id card no|identity card|identity card number|identity card no|national id|"
            "national id number|"
            "national id no|national identity number|national identification number|identity number|identity document|"
            "green card|green card number|alien number|alien registration number|uscis number|permanent resident card|"
            "visa number|visa no|"
            "work permit number|"
            "personal identification number|government id|government id number|citizen id|resident id|residence permit|"
            "residence permit number|cédula|cedula|cédula de identidad|cedula de identidad|carte d'identité|"
            "numéro de carte d'identité|carta d'identità|documento de identidad|personalausweis|personalausweisnummer|"
            "ausweisnummer"
        ),
        led=r"(?=(?:[A-Z]{0,4}[ .-]?[0-9]){6})[A-Z]{0,4}[ -]?[0-9]{1,}[0-9A-Z]*(?:[ .-][0-9][0-9A-Z]*){0,5}",
        least_digits=6,
        least_length=6,
        how="an identity document after its label, in any country",
        example="ID card number T220001293",
    ),
    R(
        "VIN",
        "global",
        labels=words.VEHICLE,
        led=r"(?=(?:[A-Z]{0,16}[0-9]){3})[A-HJ-NPR-Z0-9]{17}",
        least_length=17,
        how="17 letters and digits after its label, or with a check digit",
        example="VIN WVWZZZ1JZ3W386752",
    ),
    R(
        "LICENSE_PLATE",
        "global",
        labels=words.PLATE_OF_A_CAR,
        led=r"(?=[A-ZÄÖÜ0-9 -]{0,9}[0-9])(?=[0-9 -]{0,9}[A-ZÄÖÜ])[A-Z0-9ÄÖÜ]{1,8}(?:[ -][A-Z0-9]{1,5}){0,3}",
        least_digits=1,
        least_digits_of_cell=1,
        least_length=4,
        may_be_dated=True,
        how="letters and digits after a label that says nothing else",
        example="licence plate B-MW 1234",
    ),
    R(
        "USERNAME",
        "global",
        labels=(
            "username|user name|userid|user id|login name|login id|benutzername|nom d'utilisateur|"
            "identifiant|nombre de usuario|nome utente|"
            "nome de usuário|gebruikersnaam|nazwa użytkownika|användarnamn|käyttäjätunnus|kullanıcı adı"
        ),
        how="label and a separator",
        example="username: ada_l",
    ),
)
