"""No personal data reaches an upstream; all of it comes back to the client, however the answer is cut."""

import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = {
    "EMAIL_ADDRESS": "ada.lovelace@example.org",
    "PHONE_NUMBER": "+49 30 901820",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "US_SSN": "536-22-1845",
    "IP_ADDRESS": "203.0.113.77",
}
EVERYTHING = ", ".join(f"{kind.lower().replace('_', ' ')}: {value}" for kind, value in SECRETS.items())


@pytest.mark.parametrize("kind", SECRETS)
async def test_each_type_is_masked_and_restored(gateway, kind):
    """Upstream a placeholder, the same for the same value; to the client the value again."""
    label = kind.lower().replace("_", " ")
    text = f"My {label} is {SECRETS[kind]}. Again: {label} {SECRETS[kind]}"
    answer = await gateway.chat(text)
    (request,) = gateway.received
    assert SECRETS[kind] not in request.body.decode()
    assert request.body.decode().count(f"[{kind}_1]") == 2
    assert gateway.text_of(answer) == text


async def test_every_message_is_masked(gateway):
    """Roles, parts and tools: personal data hides in all of them."""
    mail = SECRETS["EMAIL_ADDRESS"]
    call = {"id": "1", "type": "function", "function": {"name": "send", "arguments": json.dumps({"to": mail})}}
    messages = [
        {"role": "system", "content": f"Reply to {mail}."},
        {"role": "user", "content": [{"type": "text", "text": f"I am {mail}."}]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps({"sent": mail})},
    ]
    answer = await gateway.client.post("/v1/chat/completions", json={"messages": messages})
    assert answer.status_code == 200
    body = gateway.received[0].body.decode()
    assert mail not in body
    assert body.count("[EMAIL_ADDRESS_1]") == 4


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 8, 13, 100])
@pytest.mark.parametrize("cut", [0, 1, 7, 64])
async def test_a_streamed_answer_is_restored_at_every_split(gateway, piece, cut):
    """A placeholder comes back whole however deltas and chunks cut it."""
    answer = await gateway.chat(EVERYTHING, stream=True, headers={"x-test-piece": str(piece), "x-test-cut": str(cut)})
    assert not any(secret in gateway.received[0].body.decode() for secret in SECRETS.values())
    assert gateway.text_of(answer) == EVERYTHING
    assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("cut", range(1, 30))
async def test_a_json_answer_is_restored_at_every_split(gateway, cut):
    """The same for an answer that is one JSON body."""
    answer = await gateway.chat(EVERYTHING, headers={"x-test-cut": str(cut)})
    assert gateway.text_of(answer) == EVERYTHING


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_compressed_answer_is_restored(gateway, encoding, stream):
    """Compressed answers are read, and come to the client as they say they do."""
    answer = await gateway.chat(EVERYTHING, stream=stream, headers={"x-test-encoding": encoding, "x-test-cut": "50"})
    assert gateway.text_of(answer) == EVERYTHING


async def test_two_clients_do_not_mix(gateway):
    """Every request has numbers of its own, and gets back its own values only."""
    import asyncio

    mails = [f"person{i}@example.org" for i in range(40)]
    answers = await asyncio.gather(
        *(gateway.chat(f"Write to {mail}.", stream=i % 2 == 0) for i, mail in enumerate(mails))
    )
    assert [gateway.text_of(a) for a in answers] == [f"Write to {mail}." for mail in mails]
    assert all(b"[EMAIL_ADDRESS_1]" in r.body and b"@" not in r.body for r in gateway.received)


async def test_a_placeholder_of_their_own_discloses_nothing(gateway):
    """A user or an upstream that writes a placeholder gets nothing that the request did not hold."""
    answer = await gateway.chat("What is [EMAIL_ADDRESS_1]? And [EMAIL_ADDRESS_7]?")
    assert gateway.text_of(answer) == "What is [EMAIL_ADDRESS_1]? And [EMAIL_ADDRESS_7]?"
    answer = await gateway.chat("I am ada@example.org.", headers={"x-test-say": "[EMAIL_ADDRESS_2] [US_SSN_1]"})
    assert gateway.text_of(answer) == "[EMAIL_ADDRESS_2] [US_SSN_1]"


async def test_the_rest_of_the_body_is_untouched(gateway):
    """Numbers, spacing, key order, unknown and repeated keys: every byte but the secret's own."""
    mail = SECRETS["EMAIL_ADDRESS"]
    body = (
        '{ "temperature" : 1.0e-0, "z":1,"seed": 1.2345e3,\t"messages":[ {"content":"caf\\u00e9 '
        + mail
        + ' \\ud83d\\ude00","role":"user"} ],"z":2,"unknown":{"a":[ ]} }'
    ).encode()
    answer = await gateway.client.post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert gateway.received[0].body == body.replace(mail.encode(), b"[EMAIL_ADDRESS_1]")
