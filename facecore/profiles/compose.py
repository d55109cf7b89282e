"""A profile in a container: a Compose file whose limits hold what the profile asks for."""

from __future__ import annotations

import json

from facecore.machine.memory_plan import memory_for, plan_for
from facecore.profiles.configuration import Configuration

MIB = 1024**2
_SETTINGS_PATH = "/etc/facecore/settings.toml"
# As the repository's docker-compose.yml, whose comments say why.
_FILE = """\
# The profile {title}, by 'facecore deploy compose'. The image is made in a checkout:
# docker build -t {image} .
services:
  facecore:
    image: {image}
    # The dashboard has no login: put a proxy with one in front before others may reach it.
    ports:
      - "127.0.0.1:${{PORT:-8501}}:8501"
    environment:
      FACECORE_SETTINGS: {target}
      FACECORE_MAX_MEGAPIXELS: "{megapixels:g}"
      FACECORE_ALLOWED_HOSTS: ${{FACECORE_ALLOWED_HOSTS:-localhost,127.0.0.1}}
    volumes:
      - type: bind
        source: {source}
        target: {target}
        read_only: true
    stop_grace_period: 35s
    # {why}
    cpus: {cpus}.0
    mem_limit: {memory_mib}m
    memswap_limit: {memory_mib}m
    pids_limit: 256
    read_only: true
    tmpfs:
      - /tmp:size=16m,mode=1777,noexec,nosuid,nodev
    cap_drop:
      - ALL
    security_opt:
      - no-new-privileges:true
    init: true
    restart: unless-stopped
"""


def compose_text(given: Configuration, source: str, image: str) -> str:
    """Return a Compose file that serves a configuration within limits that fit.

    Args:
        given: what the profile says; where it says nothing of the largest photo, that is what
            1 GiB holds.
        source: the profile's path, as seen from the Compose file.
        image: the image's name.
    """
    server, threads = given.server, given.options.threads
    max_pixels = given.max_pixels(plan_for(1 << 30).max_pixels)
    memory_bytes = memory_for(max_pixels, sets=server.replicas, at_once=server.concurrency)
    why = (
        f"Sets of networks: {server.replicas}, threads of each: {threads or 1}; photos at once: "
        f"{server.concurrency}, of {max_pixels / 1e6:g} megapixels."
    )
    return _FILE.format(
        title=_in_a_comment(given.name or source),
        image=image,
        target=_SETTINGS_PATH,
        source=_quoted(source),
        megapixels=max_pixels / 1e6,
        why=why,
        cpus=server.replicas * (threads or 1),
        memory_mib=memory_bytes // MIB,
    )


def _in_a_comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _quoted(text: str) -> str:
    # A text of YAML may be written as in JSON; Compose would put variables in.
    return json.dumps(text, ensure_ascii=False).replace("$", "$$")
