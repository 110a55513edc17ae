"""Second opinions: well-known tools, installed where that is possible, asked within a time limit, and left out with a word where not."""

import os
import shutil
import subprocess
import sys

from . import tool_output

INSTALL_SECONDS = 90
ASK_SECONDS = 60

# Language: name of the tool, how it is installed, how it is asked, how its answer is read.
TOOLS = {
    "python": [
        ("bandit", ["python3", "-m", "pip", "install", "--quiet", "--user", "--break-system-packages", "bandit==1.9.4"],
         ["bandit", "-q", "-f", "json"], tool_output.bandit),
    ],
    "shell": [("shellcheck", "apt", ["shellcheck", "-f", "json"], tool_output.shellcheck)],
    "c": [
        ("cppcheck", "apt", ["cppcheck", "--enable=warning", "--xml", "-q"], tool_output.cppcheck),
        ("gcc", None, ["gcc", "-fsyntax-only", "-Wall", "-Wformat-security", "-fdiagnostics-format=json"], tool_output.gcc),
    ],
}


def second_opinions(root, files):
    """Findings of the tools for the languages that are there, and for each tool what became of it."""
    findings, used = [], {}
    if os.environ.get("BERTH_AUDIT_TOOLS") == "off":
        return findings, {"second opinions": "switched off"}
    for language, paths in files.items():
        for name, installation, command, read in TOOLS.get(language, []):
            try:
                find_or_install(name, installation)
                findings += ask(root, [*command, *(str(path.relative_to(root)) for path in paths)], read)
                used[name] = "used"
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                used[name] = f"left out: {error}"
            print(f"{name}: {used[name]}", file=sys.stderr, flush=True)
    return findings, used


def find_or_install(name, installation):
    """Makes a tool available. Raises OSError when it is not there and cannot be had."""
    os.environ["PATH"] += os.pathsep + os.path.expanduser("~/.local/bin")
    if shutil.which(name) or installation is None:
        if not shutil.which(name):
            raise OSError("not installed")
        return
    print(f"installing {name}", file=sys.stderr, flush=True)
    if installation == "apt":
        apt = ["sudo", "-n", "apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
        steps = [[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", name]]
    else:
        steps = [installation]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode != 0:
            said = (done.stderr.strip() or "no reason given").split("\n")[-1]
            raise OSError(f"cannot be installed: {said[:200]}")


def ask(root, command, read):
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=ASK_SECONDS)
    return read(done.stdout, done.stderr)
