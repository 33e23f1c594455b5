"""Makes a film with the studio's HTTP API:

    python assets/examples/api_client.py http://127.0.0.1:7860 film.mp4

Needs only `pip install gradio_client`. Your token is your key: keep it (here in STAGE_TOKEN) to find the film
again, and give it to nobody.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from gradio_client import Client

THEME = "An old fisherman finds a lost child on a stormy harbour at night"


def make_film(server: str, token: str, out: Path, theme: str = THEME, shots: int = 3) -> dict[str, Any]:
    """Directs, edits, draws, renders and exports a film; writes the MP4 and returns what was made."""
    client = Client(server, verbose=False)

    def call(name: str, **fields: Any) -> Any:
        return client.predict(api_name=f"/{name}", token=token, **fields)

    project = call("create_project", title="Made by a script")["id"]
    shot_list = call("direct", project=project, theme=theme, shots=shots, seed=7)
    for shot in shot_list:
        print(f"{shot['number']}. {shot['description']} ({shot['attributes']['scale']})")

    call("edit_shot", shot=shot_list[0]["id"], fields={"angle": "high angle", "length": 12})
    for shot in shot_list[1:]:
        call("edit_shot", shot=shot["id"], fields={"length": 12})

    *first, second_last, last = [shot["id"] for shot in shot_list]
    call("reorder", project=project, order=[*first, last, second_last])
    shot_list = call("list_shots", project=project)

    call("draw", shots=[shot["id"] for shot in shot_list], seed=7)
    wait(call, project)
    call("pin", project=project, shot=shot_list[0]["id"], side="end")
    call("draw", shots=[shot_list[-1]["id"]], takes=2)
    wait(call, project)
    newest = call("takes", shot=shot_list[-1]["id"])[0]
    call("pick", take=newest["id"])
    again = call("draw", shots=[shot_list[-1]["id"]], takes=8)
    call("cancel", job=again[0]["id"])  # on second thoughts

    call("render", shots=[shot_list[0]["id"]])
    wait(call, project)
    call("export", project=project)
    wait(call, project)
    film = call("film", project=project)
    with urllib.request.urlopen(server.rstrip("/") + film["url"]) as answer:
        out.write_bytes(answer.read())
    print(f"{out}: {film['seconds']:.1f} s")
    return {"project": project, "shots": call("list_shots", project=project), "film": film}


def wait(call: Any, project: str) -> None:
    """Until nothing runs or waits; a job that failed says why."""
    while any(job["state"] in ("queued", "running") for job in call("jobs", project=project)):
        time.sleep(0.5)
    for job in call("jobs", project=project):
        if job["state"] == "failed":
            raise SystemExit(f"{job['title']}: {job['error']}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    key = os.environ.get("STAGE_TOKEN") or secrets.token_hex(16)
    print(f"token: {key}")
    make_film(sys.argv[1], key, Path(sys.argv[2]))
