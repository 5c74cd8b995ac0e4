"""The life of a transform, with real servers below a real supervisor."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from etl.errors import InitFailed, InvalidSpec, InvalidStage, NoSuchTransform, TransformBroken, TransformExists
from etl.records import Stage
from etl.runtimes.orphans import marked
from etl.runtimes.process import Image, ProcessRuntime
from etl.spec import from_message
from tests.etl.farm import PYTHON, SERVERS, Farm, opened, plain, supervised


def stage(farm: Farm, name: str) -> Stage:
    return farm.transforms.view(name).transform.stage


def await_stage(farm: Farm, name: str, wanted: Stage, *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while stage(farm, name) is not wanted:
        assert time.monotonic() < deadline, f"{name} is {stage(farm, name)}"
        time.sleep(0.02)


def processes(farm: Farm) -> list[int]:
    return list(marked(str(farm.folder / "etl")))


def shell(name: str, script: str, **fields: object) -> object:
    return from_message({"name": name, "runtime": {"image": "shell", "command": ["sh", "-c", script]}, **fields})


def failure(farm: Farm, spec: object) -> str:
    with pytest.raises(InitFailed) as caught:
        farm.transforms.init(spec)  # type: ignore[arg-type]
    return caught.value.message


def test_init_returns_a_job_when_the_transform_runs(farm: Farm) -> None:
    job = farm.transforms.init(plain("running"))
    assert re.fullmatch(r"etl-[A-Za-z0-9_-]{9}", job)
    (view,) = farm.transforms.list()
    assert (view.transform.name, view.transform.stage, view.transform.job) == ("running", Stage.RUNNING, job)
    assert farm.transforms.health("running") == "Running"


def test_a_slow_server_is_waited_for(farm: Farm) -> None:
    farm.transforms.init(plain("slow-one", "--slow"))
    farm.put("small", b"hello")
    assert farm.read("slow-one", "small") == b"HELLO"


def test_a_name_is_taken_in_whatever_stage(farm: Farm) -> None:
    farm.transforms.init(plain("taken-one"))
    with pytest.raises(TransformExists):
        farm.transforms.init(plain("taken-one"))
    farm.transforms.stop("taken-one")
    with pytest.raises(TransformExists):
        farm.transforms.init(plain("taken-one"))


def test_nothing_is_left_of_a_stopped_transform_but_its_log(farm: Farm) -> None:
    job = farm.transforms.init(plain("stopped"))
    assert processes(farm)
    farm.transforms.stop("stopped")
    assert stage(farm, "stopped") is Stage.ABORTED
    assert farm.transforms.view("stopped").transform.error == "user abort"
    assert not processes(farm)
    assert [path.name for path in (farm.folder / "etl" / job).iterdir()] == ["log"]
    assert b"listening" in farm.transforms.logs("stopped")


def test_stopping_twice_is_fine(farm: Farm) -> None:
    farm.transforms.init(plain("stopped"))
    farm.transforms.stop("stopped")
    farm.transforms.stop("stopped")


def test_a_stopped_transform_can_be_started_again_as_a_new_job(farm: Farm) -> None:
    first = farm.transforms.init(plain("again-one"))
    secret = farm.transforms.view("again-one").transform.secret
    farm.transforms.stop("again-one")
    second = farm.transforms.start("again-one")
    assert first != second
    assert farm.transforms.view("again-one").transform.secret != secret
    farm.put("small", b"hello")
    assert farm.read("again-one", "small") == b"HELLO"


def test_a_running_transform_cannot_be_started(farm: Farm) -> None:
    farm.transforms.init(plain("running"))
    with pytest.raises(InvalidStage) as caught:
        farm.transforms.start("running")
    assert (caught.value.name, caught.value.stage) == ("running", "Running")


def test_a_deleted_transform_is_gone_with_its_log(farm: Farm) -> None:
    job = farm.transforms.init(plain("deleted"))
    farm.transforms.delete("deleted")
    assert farm.transforms.list() == []
    assert not processes(farm)
    deadline = time.monotonic() + 5
    while (farm.folder / "etl" / job).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    farm.transforms.init(plain("deleted"))


@pytest.mark.parametrize("verb", ["start", "stop", "delete", "view", "logs", "health"])
def test_what_does_not_exist_cannot_be_used(farm: Farm, verb: str) -> None:
    with pytest.raises(NoSuchTransform):
        getattr(farm.transforms, verb)("unknown")


def test_a_server_that_ends_at_once_fails_at_once_with_its_log(farm: Farm) -> None:
    before = time.monotonic()
    message = failure(farm, shell("at-once", "echo no model found >&2; exit 7"))
    assert time.monotonic() - before < 3
    assert message.startswith('[etl="at-once",job="etl-')
    assert "exitCode: 7" in message
    assert "no model found" in message
    assert stage(farm, "at-once") is Stage.ABORTED
    assert farm.transforms.view("at-once").transform.error == message


def test_a_command_that_does_not_exist_says_so(farm: Farm) -> None:
    spec = from_message({"name": "nowhere", "runtime": {"image": "x", "command": ["no-such-program"]}})
    message = failure(farm, spec)
    assert "exitCode: 127" in message
    assert "no-such-program: No such file or directory" in message


def test_a_server_that_never_answers_fails_within_its_init_timeout(farm: Farm) -> None:
    before = time.monotonic()
    message = failure(farm, shell("never-up", "echo thinking; exec sleep 1000", init_timeout="2s"))
    assert time.monotonic() - before < 2
    assert "timed out: not ready within 2s (init_timeout)" in message
    assert "thinking" in message
    assert "no 200 from GET http://127.0.0.1:" in message
    assert "must listen on the port that its environment names as PORT" in message
    farm.transforms.stop("never-up")
    assert not processes(farm)


def test_a_server_whose_own_port_is_taken_is_told_the_rule(farm: Farm) -> None:
    message = failure(farm, shell("own-port", "echo OSError: Address already in use; exit 1"))
    assert "exitCode: 1, reason: no 200" in message
    assert "a port in its code is not" in message


def test_the_end_of_a_long_log_is_in_the_error(farm: Farm) -> None:
    message = failure(farm, shell("talkative", "seq 1 5000; echo the reason; exit 1"))
    assert "the reason" in message
    assert "\n4999\n5000\n" in message
    assert len(message) < 5000


def test_without_a_supervisor_init_ends_with_its_timeout(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        assert "timed out after 1s" in failure(farm, plain("alone-one", init_timeout="1s"))
        assert stage(farm, "alone-one") is Stage.ABORTED


def test_stopping_a_transform_on_its_way_up_ends_the_init(farm: Farm) -> None:
    failures: list[str] = []
    thread = threading.Thread(target=lambda: failures.append(failure(farm, shell("halfway", "exec sleep 1000"))))
    thread.start()
    deadline = time.monotonic() + 5
    while not any(view.transform.held for view in farm.transforms.list()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    farm.transforms.stop("halfway")
    thread.join()
    assert failures == ["user abort"]
    assert not processes(farm)


def test_a_server_that_dies_aborts_its_transform_with_its_log(farm: Farm) -> None:
    farm.transforms.init(plain("mortal"))
    farm.put("small", b"hello")
    with pytest.raises(TransformBroken):
        farm.read("mortal", "small", "die")
    await_stage(farm, "mortal", Stage.ABORTED)
    error = farm.transforms.view("mortal").transform.error
    assert "exitCode: 3" in error
    assert "the server takes its leave" in error
    farm.transforms.start("mortal")
    assert farm.read("mortal", "small") == b"HELLO"


def test_a_killed_server_aborts_its_transform(farm: Farm) -> None:
    farm.transforms.init(plain("killed"))
    for process in processes(farm):
        os.kill(process, signal.SIGKILL)
    await_stage(farm, "killed", Stage.ABORTED)


def test_a_server_that_will_not_end_is_killed_after_the_grace(farm: Farm) -> None:
    farm.transforms.init(plain("stubborn", "--stubborn"))
    before = time.monotonic()
    farm.transforms.stop("stubborn")
    assert 0.9 < time.monotonic() - before < 5
    assert not processes(farm)


def test_a_process_that_hides_in_a_session_of_its_own_is_found(farm: Farm) -> None:
    farm.transforms.init(plain("hiding"))
    farm.put("small", b"hello")
    child = int(farm.read("hiding", "small", "hidden_child"))
    os.kill(child, 0)
    farm.transforms.stop("hiding")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_server_sees_the_environment_made_for_it_and_nothing_of_the_node_s(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_ROOT_SECRET_KEY", "secret")
    runtime = {"image": "plain", "command": [PYTHON, str(SERVERS / "plain.py"), "--port", "8000"],
               "env": [{"name": "GREETING", "value": "hi"}, {"name": "BOTH", "value": "runtime"},
                       {"name": "AIS_TARGET_URL", "value": "mine"}]}
    env = [{"name": "BOTH", "value": "top"}]
    message = {"name": "env-one", "runtime": runtime, "env": env, "support_direct_put": True}
    job = farm.transforms.init(from_message(message))
    farm.put("small", b"hello")
    lines = farm.read("env-one", "small", "environment").decode().splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    scratch = str(farm.folder / "etl" / job / "scratch")
    transform = farm.transforms.view("env-one").transform
    assert (seen["HOME"], seen["TMPDIR"], seen["cwd"]) == (scratch, scratch, scratch)
    assert (seen["GREETING"], seen["BOTH"]) == ("hi", "top")
    assert seen["AIS_TARGET_URL"] == f"http://127.0.0.1:9/v1/etl/_object/env-one/{transform.secret}"
    assert (seen["direct_put"], seen["DIRECT_PUT"]) == ("true", "true")
    assert f"127.0.0.1:{seen['PORT']}" == transform.address
    assert seen["argv"] == f"['--port', '{seen['PORT']}']"
    assert seen["umask"] == "77"
    assert "SLUICE_ROOT_SECRET_KEY" not in seen
    assert set(seen) == {
        "AIS_TARGET_URL", "BOTH", "DIRECT_PUT", "GREETING", "HOME", "LANG", "PATH", "PORT", "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED", "SLUICE_TRANSFORM", "TMPDIR", "direct_put", "cwd", "argv", "umask", "descriptors",
    }


def test_a_server_inherits_no_descriptor_of_the_node(farm: Farm) -> None:
    kept = os.open(farm.folder, os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        farm.transforms.init(plain("closed-one"))
    finally:
        os.close(kept)
    (server,) = [process for process in processes(farm) if "guard.py" not in command(process)]
    files = [os.readlink(f"/proc/{server}/fd/{fd}") for fd in os.listdir(f"/proc/{server}/fd")]
    assert not [path for path in files if path.startswith(str(farm.folder))]


def test_a_server_gains_no_privileges(farm: Farm) -> None:
    farm.transforms.init(plain("modest"))
    for process in processes(farm):
        status = Path(f"/proc/{process}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{process}/limits").read_text(), re.MULTILINE)


def command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")


def test_logs_are_what_the_server_writes(farm: Farm) -> None:
    farm.transforms.init(plain("logging"))
    farm.put("small", b"hello")
    farm.read("logging", "small", "say I have seen it")
    deadline = time.monotonic() + 5
    while b"I have seen it\n" not in farm.transforms.logs("logging"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_image_without_a_command_is_refused_with_the_next_step(farm: Farm) -> None:
    spec = from_message({"name": "imaged", "runtime": {"image": "aistorage/transformer_md5:latest"}})
    with pytest.raises(InvalidSpec, match="runtime.command must be specified.*give the command"):
        farm.transforms.init(spec)
    assert farm.transforms.list() == []


def test_an_image_that_is_no_folder_is_refused(farm: Farm) -> None:
    for image in ("/no/such/folder", "./relative"):
        with pytest.raises(InvalidSpec, match=image):
            farm.transforms.init(from_message({"name": "foldered", "runtime": {"image": image, "command": ["x"]}}))


def test_an_image_that_is_a_folder_is_where_the_command_runs(farm: Farm) -> None:
    runtime = {"image": str(SERVERS), "command": [PYTHON, "plain.py", "--port", "$(PORT)"]}
    farm.transforms.init(from_message({"name": "foldered", "runtime": runtime}))
    farm.put("small", b"hello")
    lines = farm.read("foldered", "small", "environment").decode().splitlines()
    assert f"cwd={SERVERS}" in lines
    assert any(line.startswith(f"PATH={SERVERS}/.venv/bin:") for line in lines)


@pytest.mark.parametrize("image", ["upper", "registry.example:5000/team/upper:1.2"])
def test_a_known_image_needs_no_command(tmp_path: Path, image: str) -> None:
    images = {"upper": Image((PYTHON, "plain.py", "--port", "8000"), SERVERS)}
    runtime = ProcessRuntime(tmp_path / "etl", images=images)
    with opened(tmp_path, process_runtime=runtime) as farm, supervised(farm):
        farm.transforms.init(from_message({"name": "imaged", "runtime": {"image": image}}))
        farm.put("small", b"hello")
        assert farm.read("imaged", "small") == b"HELLO"


def test_a_server_whose_port_is_taken_gets_another(farm: Farm) -> None:
    script = f'test -e moved || {{ touch moved; echo "OSError: [Errno 98] Address already in use"; exit 1; }};' \
             f' exec {PYTHON} {SERVERS}/plain.py --port 8000'
    farm.transforms.init(shell("clashing", script))  # type: ignore[arg-type]
    farm.put("small", b"hello")
    assert farm.read("clashing", "small") == b"HELLO"


def test_one_transform_that_hangs_holds_up_no_other(farm: Farm) -> None:
    hanging = threading.Thread(target=lambda: failure(farm, shell("hanging", "exec sleep 1000", init_timeout="4s")))
    hanging.start()
    before = time.monotonic()
    farm.transforms.init(plain("quick-one"))
    assert time.monotonic() - before < 2
    hanging.join()


def test_of_many_that_define_one_name_exactly_one_succeeds(farm: Farm) -> None:
    outcomes: list[str] = []

    def define() -> None:
        try:
            outcomes.append(farm.transforms.init(plain("contested")))
        except TransformExists:
            outcomes.append("")

    threads = [threading.Thread(target=define) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([job for job in outcomes if job]) == 1
