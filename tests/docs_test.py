"""What README.md, CONTRIBUTING.md and docs/ say is true: code blocks run, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|href)=\"([^\"#]+)")


def blocks(language):
    for page in PAGES:
        text = page.read_text()
        for match in BLOCK.finditer(text):
            if match[1] == language:
                line = text.count("\n", 0, match.start()) + 1
                yield pytest.param(match[2], id=f"{page.name}:{line}")


def python_pages():
    """The pages with Python blocks: the blocks of one page are one program, as a reader would type them."""
    for page in PAGES:
        code = [match[2] for match in BLOCK.finditer(page.read_text()) if match[1] == "python"]
        if code:
            yield pytest.param("\n".join(code), id=page.name)


@pytest.mark.parametrize("code", list(python_pages()))
def test_python_code_runs(code, tmp_path):
    program = tmp_path / "page.py"
    program.write_text(code)
    finished = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("code", list(blocks("cpp")))
def test_cpp_code_is_that_of_an_example_that_runs(code):
    sources = [*(ROOT / "examples" / "cpp").glob("*.cpp"), *(ROOT / "tests" / "consumer").glob("*.cpp")]
    assert any(code.strip() in source.read_text() for source in sources)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for match in LINK.finditer(page.read_text()):
        target = match[1] or match[2]
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
