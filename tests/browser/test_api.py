"""The HTTP API, by the example script and by hand, against a real server with stand-in pictures."""

from __future__ import annotations

import importlib.util
import json
import secrets
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Server, open_studio

SCRIPT = ROOT / "assets" / "examples" / "api_client.py"
PUBLISHED = {
    *("create_project", "list_projects", "direct", "list_shots", "edit_shot", "insert_shot", "reorder"),
    *("draw", "takes", "pick", "pin", "jobs", "cancel", "render", "export", "film", "undo"),
}


@pytest.fixture(scope="module")
def client(shared_studio: Server) -> Client:
    return Client(shared_studio.url, verbose=False)


def script() -> ModuleType:
    """The example script as a module."""
    spec = importlib.util.spec_from_file_location("api_client", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_example_script_makes_a_film(shared_studio: Server, tmp_path: Path) -> None:
    token, out = secrets.token_hex(16), tmp_path / "film.mp4"
    made = script().make_film(shared_studio.url, token, out, shots=2)
    assert out.read_bytes()[4:8] == b"ftyp"
    assert [shot["status"] for shot in made["shots"]] == ["drawn", "drawn"]
    assert made["shots"][1]["attributes"]["angle"] == "high angle", "what came first was moved behind"
    assert made["shots"][1]["takes"] in (3, 11), "eight more were cancelled, if they were not drawn by then"
    assert all(shot["clip_id"] for shot in made["shots"])
    assert made["film"]["seconds"] == pytest.approx(1.0)


def test_what_is_published_is_typed_and_told(client: Client) -> None:
    told: dict[str, Any] = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert {name.removeprefix("/") for name in told} == PUBLISHED
    for endpoint in told.values():
        assert endpoint["parameters"][0]["parameter_name"] == "token"
        assert len(endpoint["description"]) > 20
    draw = {p["parameter_name"]: p["type"] for p in told["/draw"]["parameters"]}
    assert draw["takes"]["type"] == "integer"
    assert draw["shots"]["type"] == "array"


def test_the_functions_can_be_read_and_do_not_burden_the_page(page: Page, shared_studio: Server) -> None:
    page.goto(shared_studio.url)
    page.wait_for_function("() => window.stage?.state.head")
    kinds = page.evaluate("() => gradio_config.components.map((component) => component.type)")
    assert sorted(kinds) == ["browserstate", "column", "html", "html"]
    with page.expect_popup() as opened:
        page.click("#settings")
        page.get_by_text("Scripts", exact=True).click()
        page.get_by_role("link", name="What scripts can call").click()
    headings = opened.value.locator("#functions h3")
    expect(headings).to_have_count(len(PUBLISHED))
    assert set(headings.all_inner_texts()) == PUBLISHED
    expect(opened.value.locator("#functions")).to_contain_text(
        "draw(token: str, shots: list[str], takes: int = 1"
    )


def test_owners_are_kept_apart_and_refusals_are_sentences(client: Client) -> None:
    mine, yours = secrets.token_hex(16), secrets.token_hex(16)
    project = client.predict(token=mine, title="Mine", api_name="/create_project")["id"]
    shot = client.predict(token=mine, project=project, api_name="/insert_shot")["id"]
    assert client.predict(token=yours, api_name="/list_projects") == []
    for name, fields in (
        ("list_shots", {"project": project}),
        ("edit_shot", {"shot": shot, "fields": {"title": "yours now"}}),
        ("draw", {"shots": [shot]}),
        ("undo", {"project": project}),
    ):
        with pytest.raises(AppError, match="belongs to somebody else"):
            client.predict(token=yours, api_name=f"/{name}", **fields)
    with pytest.raises(AppError, match="no key"):
        client.predict(token="../../etc", api_name="/list_projects")
    for field in ("position", "owner", "shot_id", "self"):
        with pytest.raises(AppError, match=f"no field called {field}"):
            client.predict(token=mine, shot=shot, fields={field: "0"}, api_name="/edit_shot")
    assert [s["title"] for s in client.predict(token=mine, project=project, api_name="/list_shots")] == [""]


def test_order_and_undo(client: Client) -> None:
    token = secrets.token_hex(16)
    project = client.predict(token=token, api_name="/create_project")["id"]
    first = client.predict(token=token, project=project, api_name="/insert_shot")["id"]
    second = client.predict(token=token, project=project, after=first, api_name="/insert_shot")["id"]
    order = client.predict(token=token, project=project, order=[second, first], api_name="/reorder")
    assert order == [second, first]
    assert client.predict(token=token, project=project, api_name="/undo")["applied"] > 0
    shots = client.predict(token=token, project=project, api_name="/list_shots")
    assert [shot["id"] for shot in shots] == [first, second]


def test_jobs_are_cancelled_and_clips_rendered(unhurried: Server) -> None:
    client, token = Client(unhurried.url, verbose=False), secrets.token_hex(16)

    def call(name: str, **fields: Any) -> Any:
        return client.predict(api_name=f"/{name}", token=token, **fields)

    project = call("create_project")["id"]
    first = call("insert_shot", project=project)["id"]
    shots = [first, call("insert_shot", project=project, after=first)["id"]]
    for shot in shots:
        call("edit_shot", shot=shot, fields={"description": "A man walks along.", "length": 12})
    with pytest.raises(AppError, match="Shot 1 has no picture yet: draw it first"):
        call("render", shots=shots)
    _, second = call("draw", shots=shots, steps=8)
    with pytest.raises(AppError, match="belongs to somebody else"):
        client.predict(api_name="/cancel", token=secrets.token_hex(16), job=second["id"])
    assert call("cancel", job=second["id"])["state"] == "cancelled"
    script().wait(call, project)
    assert [shot["status"] for shot in call("list_shots", project=project)] == ["drawn", "draft"]

    (job,) = call("render", shots=[first])
    assert (job["kind"], job["shot_id"]) == ("render", first)
    script().wait(call, project)
    clips = [shot["clip_url"] for shot in call("list_shots", project=project)]
    assert clips[1] is None
    found = httpx.get(unhurried.url.rstrip("/") + clips[0])
    assert found.content[4:8] == b"ftyp", found.text


def test_half_an_emoji_is_kept_as_the_sign_for_what_cannot_be_read(shared_studio: Server) -> None:
    """JSON can hold it, UTF-8 cannot. The Python client refuses to send it, other clients do not."""
    made = httpx.post(
        f"{shared_studio.url}gradio_api/run/create_project",
        content=json.dumps({"data": [secrets.token_hex(16), "Fox \ud83e", "mini"]}),
        headers={"content-type": "application/json"},
    )
    assert made.json()["data"][0]["title"] == "Fox \ufffd", made.text


def test_the_page_gives_away_the_key_that_scripts_need(
    page: Page, shared_studio: Server, client: Client
) -> None:
    open_studio(page, shared_studio)
    clipboard = "{ value: { writeText: async (words) => { window.copied = words; } } }"
    page.evaluate(f"() => Object.defineProperty(navigator, 'clipboard', {clipboard})")
    page.click("#settings")
    key = page.locator("#script-key")
    expect(key).to_be_hidden()
    page.click(".se-scripts summary")
    page.click("#show-key")
    expect(page.locator("#show-key")).to_have_text("Copied")
    token = key.input_value()
    assert page.evaluate("() => copied") == token
    films = client.predict(api_name="/list_projects", token=token)
    assert [film["id"] for film in films] == [page.evaluate("() => stage.state.head.id")]
    page.keyboard.press("Escape")
    page.click("#settings")
    expect(key).to_be_hidden()
    assert key.input_value() == ""
