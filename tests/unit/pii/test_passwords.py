"""What follows the word password, and what does not follow it."""

from __future__ import annotations

import pytest

from tests.unit.pii.shared import analyze


def found(text):
    """The texts that are masked."""
    return [text[r.start : r.end] for r in analyze(text)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: $ecret2024!", "$ecret2024!"),
        ("DB_PASSWORD=%9kLm2pQ", "%9kLm2pQ"),
        ("The password is myP@ss123.", "myP@ss123"),
        ("pwd=my0wnKey99", "my0wnKey99"),
        ("password: <3Cats2020", "<3Cats2020"),
        ("Passwort: geheim#42", "geheim#42"),
        ("mot de passe : j'aime2chats", "j'aime2chats"),
        ('password = "it\'s;me{2}"', "it's;me{2}"),
        ("password: p@ss;word1", "p@ss;word1"),
        ('{"password": "Go\\"d2day!"}', 'Go\\"d2day!'),
        ("The password for the admin user is hunter2x", "hunter2x"),
        ("the wifi password at the office is Blue-Whale-77", "Blue-Whale-77"),
        ("the password was changed to Summer2024!", "Summer2024!"),
        ("password (temporary): Tmp4you", "Tmp4you"),
        ("Password - Summer2024!", "Summer2024!"),
        ("Server=db;User Id=sa;Password=Str0ng;Encrypt=True", "Str0ng"),
        ("connect(password=abc123)", "abc123"),
        ("<password>hunter2</password>", "hunter2"),
        ("PGPASSWORD='s3cret9' psql -h db", "s3cret9"),
        ("password:\n  hunter2x", "hunter2x"),
        ('passphrase: "purple monkey dishwasher lamp"', "purple monkey dishwasher lamp"),
        ("password: correct horse battery staple", "correct horse battery staple"),
        ("seed phrase: " + "legal winner thank year wave sausage worth useful legal winner thank yellow",) * 2,
        ('{\\"password\\": \\"hunter2x\\"}', "hunter2x"),
        ("PIN: 4821", "4821"),
        (r"password=hunt\ner2x9", r"hunt\ner2x9"),
        (r"password: hunt\ner2x9\nfoo=bar", r"hunt\ner2x9"),
        (r"DB_PASSWORD=ab\tc1d2e3 next", r"ab\tc1d2e3"),
        (r"password=hunt3r\\re2x9!", r"hunt3r\\re2x9!"),
        (r"password=Tr0ub4dor\nuser=bob", "Tr0ub4dor"),
        (r"password=Tr0ub4dor\nuser2 = bob", "Tr0ub4dor"),
        (r"password=Tr0ub4dor\nUser bob logged in", "Tr0ub4dor"),
        (r"pwd=s3cret\n2024-01-01T10:00 INFO start", "s3cret"),
        (r"password: hunter2x9\r\nHost: a", "hunter2x9"),
    ],
)
def test_passwords_as_they_are_chosen(text, secret):
    """They begin like a variable, hold quotes and brackets, are words; words about them stand before."""
    assert any(one in (secret, secret.removeprefix("seed phrase: ")) for one in found(text)), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "password: your-password-here",
        "API_KEY=CHANGE_ME",
        'api_key = "REPLACE_WITH_YOUR_KEY"',
        "password: ${DB_PASSWORD}",
        "password = $DB_PASS",
        "PASSWORD=xxxx-xxxx",
        "password: <your password>",
        'secret = "00000000-0000-0000-0000-000000000000"',
        'token: "INSERT_TOKEN_HERE"',
        "password: { type: String, required: true, minlength: 8 }",
        "password: string;",
        "password = config.password",
        "password = settings.DB_PASSWORD",
        "password = get_password(user)",
        'const password = await prompt("x")',
        'if password == "": raise ValueError',
        "password must be at least eight characters",
        "Password: must contain at least eight characters",
        "The password field is required.",
        "password = models.CharField(max_length=128)",
        "password: str = Field(..., min_length=8)",
        "self.password = password",
        "token = tokenizer.encode(text)",
        "secret_name: my-secret",
        "passwords = [p for p in lines]",
        "password = row.passwordHash",
        "Forgot your password? Click here",
        "password: %s",
        "password={password}",
        "password: {{ vault_password }}",
        "password = @password",
        "password=:password",
        "password: ********",
        "- password: secret",
        "The secret is to listen.",
        'key = "some_key"',
        "token: Optional[str] = None",
        "pass: true",
        '"password": "string"',
        '"token": {"type": "string"}',
        'password = os.getenv("DB_PASSWORD")',
        'password = input("Enter password: ")',
        "Password: ________",
        "auth = (username, password)",
        "password = sys.argv[1]",
        "credentials: include",
        "credentials: 'same-origin'",
        "token = next(tokens)",
        "access token expires_in 3600",
        "authorization: required",
        "pin: pin_number",
        "PIN code is required",
        "my pass is expired",
        "secretKeyRef: name: db-secret",
        'password: "Please enter your password again"',
        "password_confirmation: user.password_confirmation",
        "token_type: bearer",
        "max_tokens: 4096",
        '"total_tokens": 128',
        "the new token is on the left side",
    ],
)
def test_no_passwords(text):
    """Stand-ins, code, types, forms and prose about passwords."""
    assert found(text) == []
