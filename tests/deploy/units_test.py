"""The systemd units and the example settings: they name options, fields and files that exist, and no unit of ours ties
itself to a load balancer's. Arguments: the programs, of which the units say /usr/bin/NAME."""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "deploy/systemd"
PROGRAMS = {Path(program).name: program for program in sys.argv[1:]}
# An agent that ends, is upgraded or fails must not take an LB with it, nor the other way round.
TIES = ("requires", "requisite", "bindsto", "partof", "upholds", "conflicts", "propagatesstopto", "stoppropagatedfrom",
        "propagatesreloadto", "onfailure", "joinsnamespaceof", "before", "execstoppost")


def read(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read_string(path.read_text())
    return unit


def unit_problems(path):
    unit = read(path)
    command = unit["Service"]["ExecStart"].split()
    name = Path(command[0]).name
    if command[0] != f"/usr/bin/{name}" or name not in PROGRAMS:
        yield f"ExecStart is {command[0]}, which is none of ours"
        return
    known = subprocess.run([PROGRAMS[name], "--help"], capture_output=True, text=True).stdout
    for option in (word for word in command if word.startswith("--")):
        if option not in known:
            yield f"{name} has no option {option}"
    if unit["Service"].get("Restart") != "always":
        yield "does not start again when it ends"
    for wanted in ("NoNewPrivileges", "ProtectHome", "PrivateDevices", "RestrictSUIDSGID"):
        if unit["Service"].get(wanted) != "true":
            yield f"{wanted} is not set"
    if name == "muster-agent":
        yield from (f"{key} ties it to another unit" for section in unit.values() for key in section if key in TIES)


def verify_problems(paths):
    """What systemd itself says, where it is installed."""
    if not shutil.which("systemd-analyze"):
        print("there is no systemd-analyze: units are not verified with it")
        return
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for path in paths:
            text = re.sub(r"/usr/bin/([a-z-]+)", lambda at: PROGRAMS.get(at.group(1), at.group(0)), path.read_text())
            copies.append(Path(folder) / path.name)
            copies[-1].write_text(text)
            for drop_in in FOLDER.glob(f"{path.stem}-*.conf"):
                place = Path(folder) / f"{path.name}.d"
                place.mkdir(exist_ok=True)
                shutil.copy(drop_in, place)
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, copies)],
                              capture_output=True, text=True)
        # What is said of other units of this machine is none of our business.
        ours = [line for line in (said.stdout + said.stderr).splitlines() if folder in line or "muster" in line]
        yield from ours
        if said.returncode and not ours:
            yield f"systemd-analyze ended with {said.returncode}: {said.stderr}"


def settings_problems(path):
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "agent.auth"
        secret.touch(0o600)
        secret.write_text("muster-agent:secret")
        copy = Path(folder) / path.name
        copy.write_text(path.read_text().replace("/etc/muster/agent.auth", str(secret)))
        said = subprocess.run([PROGRAMS["muster-agent"], "--config", str(copy), "--check"],
                              capture_output=True, text=True)
        if said.returncode:
            yield said.stdout + said.stderr


def selftest_problems():
    """A unit that is wrong in each way is found."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "muster-agent.service"
        text = (FOLDER / path.name).read_text()
        path.write_text(text.replace("[Service]", "PartOf=haproxy.service\n[Service]\nNoNewPrivileges=false\nBad=1")
                        .replace("--config", "--configuration").replace("Restart=always\n", "")
                        .replace("NoNewPrivileges=true", ""))
        count = len(list(unit_problems(path)))
        if count != 4:
            yield f"of 4 mistakes {count} were found"
        if shutil.which("systemd-analyze") and not list(verify_problems([path])):
            yield "systemd-analyze does not see a key that there is not"


def main():
    units = sorted(FOLDER.glob("*.service"))
    problems = [f"selftest: {problem}" for problem in selftest_problems()]
    for path in units:
        problems += [f"{path.name}: {problem}" for problem in unit_problems(path)]
    problems += verify_problems(units)
    problems += settings_problems(FOLDER / "agent.yaml")
    print("\n".join(problems) or f"{len(units)} units and the example settings are well")
    return 1 if problems or len(units) < 2 else 0


sys.exit(main())
