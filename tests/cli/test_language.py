"""What the terminal says in its language; what programs read is English in every one."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator

import pytest

from facecore.__main__ import _parser
from facecore.wording import speaking
from tests.cli.conftest import in_process, json_lines
from tests.conftest import SAMPLES

CHINESE = {"LANG": "zh_CN.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""}
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _told(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from filter(None, [parser.description])
    for group in parser._action_groups:
        yield from filter(None, [group.title])
    for action in parser._actions:
        yield from filter(None, [action.help])
        if isinstance(action, argparse._SubParsersAction):
            yield from filter(None, (one.help for one in action._choices_actions))
            for one in action.choices.values():
                yield from _told(one)


def test_every_option_is_explained_in_chinese() -> None:
    """Titles, descriptions and help of all commands have words of it."""
    with speaking("zh"):
        told = list(_told(_parser()))
    assert len(told) > 200
    assert [text for text in told if not _CHINESE.search(text)] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze"], "facecore analyze：错误：缺少以下参数：PATH"),
        (["analyze", "a", "--threads", "x"], "错误：参数 --threads：设置“线程数”须为 1 到"),
        (["serve", "--port"], "错误：参数 --port：应有一个参数"),
        (["nothing"], "（可选：'analyze', 'evaluate'"),
    ],
)
def test_what_cannot_be_understood_is_told_in_chinese(arguments: list[str], said: str) -> None:
    """The words of Python's parser are said as well."""
    done = in_process(*arguments, env=CHINESE)
    assert done.returncode == 2
    assert done.stderr.startswith("用法：facecore")
    assert said in done.stderr


def test_a_photo_is_told_of_in_chinese_and_its_json_is_english() -> None:
    """The lines for people follow the terminal, those for programs never do."""
    photo = SAMPLES / "astronaut.png"
    first, face = in_process("analyze", photo, env=CHINESE).stdout.splitlines()
    assert re.fullmatch(rf"{photo}：512×512，1 张人脸，\d+ ms", first)
    assert re.match(r"  1：男 \d+%，年龄 \(25-32\) \d+%，期望年龄 \d+，置信度 100%，检测框 ", face)
    (chinese,) = json_lines(in_process("analyze", photo, "--json", env=CHINESE).stdout)
    (english,) = json_lines(in_process("analyze", photo, "--json").stdout)
    assert list(chinese) == list(english)
    for name in ("path", "settings", "faces"):
        assert json.dumps(chinese[name]) == json.dumps(english[name])
