"""`firstbuy institution …`: what intake is sent, what is printed for whom, and what is planned for others."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from firstbuy.commands import institutions, rounds
from firstbuy.onboarding.client import SHOWN_BEFORE, ClientConfiguration
from firstbuy.onboarding.cluster import QUOTA, Cluster
from firstbuy.onboarding.listed import Listed, UnreadableListError, read_list
from shared.service.settings import KafkaSettings, SecurityProtocol
from tests.support.cli import URL, Answered, run
from tests.support.kafka_plans import acls, named

KNOWN = [
    {"institution": "kepco", "name": "한국전력공사", "status": "active", "pledges": []},
    {"institution": "lh", "name": "한국토지주택공사", "status": "interested", "pledges": []},
    {"institution": "ex", "name": "한국도로공사", "status": "suspended", "pledges": []},
]
SECURED = KafkaSettings(
    bootstrap_servers="kafka:9092",
    security_protocol=SecurityProtocol.SASL_SSL,
    sasl_username="operator",
    sasl_password=SecretStr("the operator's"),
)
PUT = (200, {"institution": "x", "inbox": "in", "outbox": "out", "status": "active"})


@pytest.fixture(autouse=True)
def no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS", raising=False)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Kafka that does what it is asked; returns what that was."""
    done: list[str] = []

    class FakeCluster(Cluster):
        async def join(self, codes: Any, *, quota: int = QUOTA) -> None:
            done.append(f"join {' '.join(codes)} {quota}")

        async def first_passwords(self, codes: Any) -> dict[str, str]:
            return {code: f"secret-of-{code}" for code in codes if code != "kepco"}

        async def rotate(self, code: str) -> str:
            return f"new-secret-of-{code}"

        async def suspend(self, code: str) -> None:
            done.append(f"suspend {code}")

        async def leave(self, code: str) -> None:
            done.append(f"leave {code}")

    for module in (institutions, rounds):
        monkeypatch.setattr(module, "Cluster", FakeCluster)
        monkeypatch.setattr(module, "operator_kafka", lambda url: (SECURED, "firstbuy."))
    return done


def bodies(sent: Any) -> list[dict[str, Any]]:
    return [json.loads(request.content) for request in sent if request.method == "PUT"]


@pytest.mark.parametrize(
    "pledge", [["--pledge", "2018-h2=10,000_000000"], ["--pledge", "10000000000", "--round", "2018-h2"]]
)
def test_onboard_reads_a_pledge_in_either_form(answering: Answered, pledge: list[str]) -> None:
    sent = answering((200, []), PUT)
    made = run("institution", "onboard", "kepco", "--name", "한국전력공사", "--provisioned", *pledge, *URL)
    assert made.exit_code == 0
    pledges = [{"round": "2018-h2", "won": 10_000_000_000}]
    assert bodies(sent) == [{"name": "한국전력공사", "pledges": pledges, "status": "active"}]


def test_a_list_that_calls_one_otherwise_is_told_so_and_goes_on(answering: Answered, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("institution,name\nkepco,KEPCO\nlh,LH\n")
    remark = {"pointer": "/name", "code": "name-stands", "detail": "kepco keeps its name", "fix": "rename it"}
    answering((200, KNOWN[:1]), (200, {"warnings": [remark]}), PUT)
    made = run("institution", "onboard", "--file", str(file), "--provisioned", *URL)
    assert made.exit_code == 0, made.output
    assert made.stderr.count("kepco keeps its name") == 1


@pytest.mark.parametrize("registered", [["ex"], []])
def test_who_an_announcement_registers_is_taken_in_where_kafka_is_at_hand(
    answering: Answered, kafka: list[str], registered: list[str]
) -> None:
    sent = answering((200, {"act": "a1", "done": True, "registered": registered}), PUT)
    assert run("round", "approve", "2018-h2", "a1", "--json", *URL).exit_code == 0
    assert kafka == [f"join {code} {QUOTA}" for code in registered]
    assert bodies(sent) == [{"status": "active"} for _ in registered]


@pytest.mark.parametrize("pledge", ["2018-h2", "2018-h2=", "=5", "2018-h2=ten", "2018-h2=-5", "2018-h2=1.5"])
def test_a_pledge_that_is_none_is_refused_before_anything_is_sent(answering: Answered, pledge: str) -> None:
    sent = answering()
    assert run("institution", "onboard", "kepco", "--name", "x", "--pledge", pledge, *URL).exit_code == 2
    assert sent == []


@pytest.mark.parametrize(
    "command", ["onboard", "rotate", "suspend", "resume", "leave", "amend", "contacts", "webhook", "show", "uploads"]
)
def test_a_code_that_is_none_is_said_before_kafka_is_asked(answering: Answered, kafka: list[str], command: str) -> None:
    sent = answering()
    refused = run("institution", command, "Bad Code!", *URL)
    assert refused.exit_code == 2
    assert "CODE 'Bad Code!'" in refused.stderr
    assert "small letters, digits and hyphens" in refused.stderr
    assert (sent, kafka) == ([], [])


def test_onboard_says_that_somebody_must_make_the_topics(answering: Answered) -> None:
    sent = answering((200, []))
    told = run("institution", "onboard", "kepco", "--name", "x", *URL)
    assert told.exit_code == 1
    assert "--plan" in told.stderr
    assert bodies(sent) == []


def test_an_interest_is_recorded_and_nothing_made(answering: Answered, kafka: list[str]) -> None:
    sent = answering((200, []), PUT)
    assert run("institution", "onboard", "lh", "--name", "LH", "--status", "interested", *URL).exit_code == 0
    assert [body["status"] for body in bodies(sent)] == ["interested"]
    assert kafka == []


def test_one_that_was_interested_agrees_before_it_is_active(answering: Answered, kafka: list[str]) -> None:
    sent = answering((200, KNOWN), PUT, PUT)
    told = run("institution", "onboard", "lh", *URL)
    assert [body["status"] for body in bodies(sent)] == ["agreed", "active"]
    assert kafka == [f"join lh {QUOTA}"]
    assert told.stdout.count("secret-of-lh") == 2, "once for each form"


def test_a_password_told_before_is_not_told_again(answering: Answered, kafka: list[str]) -> None:
    answering((200, KNOWN), PUT)
    told = run("institution", "onboard", "kepco", *URL).stdout
    assert "secret" not in told
    assert "firstbuy institution rotate kepco" in told


def test_a_suspended_one_is_not_let_in_by_onboarding_it_again(answering: Answered, kafka: list[str]) -> None:
    answering((200, KNOWN))
    told = run("institution", "onboard", "ex", *URL)
    assert told.exit_code == 1
    assert "firstbuy institution resume" in told.stderr
    assert kafka == []


def test_a_rotation_hands_over_the_new_password(answering: Answered, kafka: list[str]) -> None:
    answering((200, KNOWN))
    (made,) = json.loads(run("institution", "rotate", "kepco", "--json", *URL).stdout)
    assert made["password"] == "new-secret-of-kepco"
    assert made["user"] == "firstbuy.institution.kepco"


def test_kafka_is_closed_before_a_suspension_is_recorded(answering: Answered, kafka: list[str]) -> None:
    sent = answering(PUT)
    assert run("institution", "suspend", "kepco", "--reason", "a leak", *URL).exit_code == 0
    assert kafka == ["suspend kepco"]
    assert bodies(sent) == [{"pledges": [], "reason": "a leak", "status": "suspended"}]


def test_a_pledge_is_amended_and_nothing_else(answering: Answered) -> None:
    sent = answering(PUT)
    assert run("institution", "amend", "kepco", "--pledge", "2018-h2=5", *URL).exit_code == 0
    assert bodies(sent) == [{"pledges": [{"round": "2018-h2", "won": 5}]}]


def test_many_are_written_to_files_of_the_owners(answering: Answered, kafka: list[str], tmp_path: Path) -> None:
    file, out = tmp_path / "many.csv", tmp_path / "out"
    file.write_text("institution,name,round,pledge_won\na1,A,r-1,10\na2,B,,\na1,,r-2,20\n", encoding="utf-8")
    sent = answering((200, []), PUT, PUT)
    told = run("institution", "onboard", "--file", str(file), "--out", str(out), *URL)
    assert told.exit_code == 0, told.stderr
    assert "secret" not in told.output
    assert [len(body["pledges"]) for body in bodies(sent)] == [2, 0]
    assert {path.name for path in out.iterdir()} == {
        f"{code}.{suffix}" for code in ("a1", "a2") for suffix in ("properties", "librdkafka.conf")
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_a_round_file_is_a_list_of_institutions_with_their_pledges(tmp_path: Path) -> None:
    file = tmp_path / "round.yaml"
    file.write_text("round: {round: r-1}\ninstitutions:\n  - {institution: kepco, name: K, pledge_won: 7}\n")
    assert read_list(file) == [Listed("kepco", "K", {"r-1": 7})]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {institution: Kepco}", "institution 1: .*pattern"),
        ("- {institution: kepco, pledge_won: 5}", "institution 1: a pledge is for a round"),
        ("- {institution: kepco, pledges: {r-1: -5}}", "not negative"),
        ("- kepco", "institution 1: write it as `institution: CODE`"),
        ("- {institution: kepco, pledges: 5}", "institution 1: write it as"),
        ("- {name: K}", "institution 1: it has no `institution`"),
        ("- {institution: kepco, round: r-1, pledge_won: 10억}", "institution 1: pledge_won is '10억'"),
        ("- {institution: kepco, pledges: {r-1: x}}", "institution 1: pledges is 'x'"),
        ("kepco", "no list"),
        ("{", "no YAML"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text)
    with pytest.raises(UnreadableListError, match=told):
        read_list(file)


LIST = 'institution,name,round,pledge_won\nbugc,"버그, 도시공사",bug-c,"1,000,000,000"\n'
LISTED = [Listed("bugc", "버그, 도시공사", {"bug-c": 1_000_000_000})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        LIST,
        LIST.replace(",", ";").replace('"1;000;000;000"', "1,000,000,000").replace("버그;", "버그,"),
        LIST.replace(",", "\t").replace('"1\t000\t000\t000"', "1,000,000,000").replace("버그\t", "버그,"),
        LIST.replace("1,000,000,000", "１０００００００００"),
        LIST.replace("institution,name,round,pledge_won", "기관 코드,기관명,차수,약정액(원)"),
        "sep=,\n" + LIST,
    ],
    ids=["commas", "semicolons", "tabs", "full width", "Korean", "sep"],
)
def test_a_list_is_read_as_korean_excel_saves_it(tmp_path: Path, encoding: str, text: str) -> None:
    file = tmp_path / "list.CSV"
    file.write_bytes(text.encode(encoding))
    assert read_list(file) == LISTED


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LIST.replace("1,000,000,000", "10억").encode(), "line 2: pledge_won is '10억': write whole won"),
        (LIST.replace("1,000,000,000", "1e9").encode(), "line 2: pledge_won is '1e9'"),
        (LIST.replace("pledge_won", "pledge").encode("cp949"), "line 1: 'pledge' is no column: did you mean"),
        (LIST.replace("name,", "name,name,").encode(), "line 1: name stands twice"),
        (LIST.replace('"', "").encode(), "line 2: it has 8 cells, the header 4: put quotes"),
        (LIST.replace("bugc", "Bug C").encode(), "line 2: .*pattern"),
        (LIST.replace("버그", "a\u202eb").encode(), "line 2: name: it has signs that turn"),
        (LIST.encode() + "b,버그,bug-c,1".encode("cp949"), "two encodings: line 2 has UTF-8, line 3 CP949"),
        (b"PK\x03\x04rest", "it is an XLSX, whatever it is called: save it as CSV UTF-8"),
        (b"\xff\xd8\xff\xe0", "neither UTF-8 nor CP949 text: see line 1: save it as CSV UTF-8"),
        (b"", "holds nothing: begin with a line of institution"),
        (LIST.replace('"', "'").replace("'1", '"1', 1).encode(), "is no CSV|cells"),
    ],
)  # fmt: skip
def test_a_list_that_can_not_be_read_says_where_and_how_to_mend_it(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableListError, match=told) as refused:
        read_list(file)
    assert "codec" not in str(refused.value)


def test_all_lines_that_are_wrong_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("institution,round,pledge_won\nA B,r-1,5\na1,r-1,x\na2,,5\n")
    with pytest.raises(UnreadableListError, match=r"line 2:(.|\n)*line 3:(.|\n)*line 4: a pledge is for a round"):
        read_list(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {institution: a1, pledges: {r-1: 5.5}}", "pledges is 5.5"),
        ("- {institution: a1, pledges: {r-1: true}}", "pledges is True"),
        ("- institution: a1\n  name: A\n  name: B", "line 3: name is given twice"),
        ("- {institution: a1, name: 5}", "line 1, institution 1: name is 5: write it as text"),
    ],
)
def test_a_yaml_list_is_read_as_it_is_meant(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text)
    with pytest.raises(UnreadableListError, match=told):
        read_list(file)


def test_a_client_configuration_has_all_that_a_client_needs() -> None:
    made = ClientConfiguration(SECURED, "firstbuy.", "kepco", "p4ss")
    java, other = (dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
                   for text in (made.properties(), made.librdkafka()))  # fmt: skip
    assert java["sasl.jaas.config"].endswith('required username="firstbuy.institution.kepco" password="p4ss";')
    assert (other["sasl.username"], other["sasl.password"]) == ("firstbuy.institution.kepco", "p4ss")
    for form in (java, other):
        assert form["bootstrap.servers"] == "kafka:9092"
        assert form["security.protocol"] == "SASL_SSL"
        assert form["group.id"].startswith("firstbuy.institution.kepco.")
    assert "p4ss" not in repr(made)
    assert SHOWN_BEFORE in ClientConfiguration(SECURED, "firstbuy.", "kepco").properties()


def test_the_command_prints_the_plan_and_changes_nothing(answering: Answered, kafka: list[str]) -> None:
    sent = answering((200, KNOWN))
    printed = run("institution", "onboard", "new", "--plan", *URL).stdout
    users = named(list(yaml.safe_load_all(printed)), "KafkaUser")
    assert ("topic", "firstbuy.institution.ex.outbox.v1", "write") in acls(users["firstbuy.notify"])
    assert ("topic", "firstbuy.institution.lh.outbox.v1", "write") not in acls(users["firstbuy.notify"])
    assert (kafka, bodies(sent)) == ([], [])


def test_what_kafka_refuses_is_said_in_one_line(answering: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    answering((200, KNOWN))
    unreachable = KafkaSettings(bootstrap_servers="127.0.0.1:9", security_protocol=SecurityProtocol.SASL_PLAINTEXT)
    monkeypatch.setattr(institutions, "operator_kafka", lambda url: (unreachable, "firstbuy."))
    told = run("institution", "onboard", "lh", *URL)
    assert told.exit_code == 1
    assert "Check the address, and user" in told.stderr


@pytest.mark.parametrize(("status", "command"), [("suspended", "suspend"), ("left", "leave")])
def test_what_takes_rights_away_is_no_status_to_onboard_with(answering: Answered, status: str, command: str) -> None:
    sent = answering((200, KNOWN))
    result = run("institution", "onboard", "kepco", "--status", status, *URL)
    assert result.exit_code == 2
    assert f"firstbuy institution {command}" in result.stderr
    assert [one.method for one in sent] == ["GET"]


@pytest.mark.parametrize("arguments", [("onboard", "lh"), ("rotate", "kepco")])
def test_a_folder_that_can_not_be_written_costs_no_password(
    answering: Answered, kafka: list[str], tmp_path: Path, arguments: tuple[str, str]
) -> None:
    (tmp_path / "file").write_text("")
    answering((200, KNOWN))
    result = run("institution", *arguments, "--out", str(tmp_path / "file"), *URL)
    assert result.exit_code == 2
    assert "nothing was changed" in result.stderr
    assert kafka == []
