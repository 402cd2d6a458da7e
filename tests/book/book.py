"""What the book needs beside MkDocs: the files of the repository's root as pages, and the state of
the Portuguese pages.

A Portuguese page begins with `<!-- translates HASH -->`, the hash of the English page's prose when
it was translated. If the English page has changed since, or there is no Portuguese page, the page
says so to its readers, and the build lists it to whoever builds.

    python3 tests/book/book.py                   lists the pages that are stale or not translated
    python3 tests/book/book.py translated PAGE…  writes the hashes of pages that are up to date
"""

import hashlib
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PORTUGUESE = ".pt-BR.md"
MARK = re.compile(r"\A<!-- translates (\w+) -->\n+")
# A page that a program makes, in both languages at once.
MADE = "<!-- Made from "
# A page of the book that is a link only stands for the file that it leads to.
STANDS_FOR = re.compile(r"\A\[[^]]+\]\((\.\.[^)]+)\)\s*\Z")
LINK = re.compile(r"(\[[^]]*\])\(([^)#\s]*)(#[^)\s]*)?\)")
# The files of the root lead to their other language; in the book a menu does.
OTHER_LANGUAGE = re.compile(r"^\*\[(?:Em português|In English)\]\([^)]+\)\*\n\n", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

NOTES = {
    "missing": "Esta página ainda não foi traduzida: o texto está em inglês.",
    "stale": 'O <a href="{english}">texto em inglês</a> mudou depois desta tradução: onde os dois diferem, vale o inglês.',
}


def prose(page):
    """A page's text without its blocks of code, which a test keeps the same in both languages."""
    return FENCE.sub("", page.read_text())


def hash_of(page):
    return hashlib.sha256(prose(page).encode()).hexdigest()[:12]


def english_pages():
    """What can be translated: the READMEs, SECURITY.md, and the pages of docs/ with a text of their own."""
    pages = [page for page in DOCS.rglob("*.md") if not page.name.endswith(PORTUGUESE)]
    own = sorted(page for page in pages if not STANDS_FOR.match(page.read_text()))
    return [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "examples/README.md"] + own


def state(page):
    """`missing`, `stale` or `translated`."""
    translation = page.with_name(page.stem + PORTUGUESE)
    if not translation.exists():
        return "missing"
    if page.read_text().startswith(MADE):
        return "translated"
    mark = MARK.match(translation.read_text())
    return "translated" if mark and mark[1] == hash_of(page) else "stale"


def mark_translated(page):
    """Writes the hash of the English page into `page`, which may be either of the two."""
    english = page.with_name(page.name.replace(PORTUGUESE, ".md"))
    translation = english.with_name(english.stem + PORTUGUESE)
    text = MARK.sub("", translation.read_text())
    translation.write_text(f"<!-- translates {hash_of(english)} -->\n\n{text}")


def report():
    for page in english_pages():
        match state(page):
            case "missing":
                yield f"{page.relative_to(ROOT)}: not translated"
            case "stale":
                yield f"{page.relative_to(ROOT)}: changed since it was translated"


def places():
    """Where the book has the files that some of its pages stand for."""
    found = {}
    for page in DOCS.rglob("*.md"):
        if link := STANDS_FOR.match(page.read_text()):
            found[(page.parent / link[1]).resolve()] = page
    return found


def lead_links(text, source, page, in_portuguese):
    """The text of `source`, whose links lead on from `page`, where the book has it."""
    there = places()

    def lead(match):
        words, path, anchor = match.groups()
        if not path or ":" in path:
            return match[0]
        target = (source.parent / path).resolve()
        if not target.exists():
            # MkDocs says so.
            return match[0]
        target = there.get(target, target)
        if not target.is_relative_to(DOCS):
            # It is no page of the book.
            return words[1:-1]
        if in_portuguese and target.with_name(target.stem + PORTUGUESE).exists():
            # An English text leads to a Portuguese page, whose headings have other names.
            anchor = None
        return f"{words}({posixpath.relpath(target, page.parent)}{anchor or ''})"

    return LINK.sub(lead, text)


def on_page_markdown(markdown, page, config, files):
    """Called by MkDocs for each page in each language."""
    in_portuguese = config.plugins["i18n"].current_language != "en"
    path = Path(page.file.abs_src_path)
    source = path
    if link := STANDS_FOR.match(markdown):
        source = (path.parent / link[1]).resolve()
        markdown = OTHER_LANGUAGE.sub("", source.read_text())
    markdown = lead_links(MARK.sub("", markdown), source, path, in_portuguese)
    original = source.with_name(source.name.replace(PORTUGUESE, ".md"))
    note = NOTES.get(state(original)) if in_portuguese else None
    if not note:
        return markdown
    english = posixpath.relpath(page.file.alternates["en"].url, posixpath.dirname(page.url))
    return f'!!! note "Tradução"\n    {note.format(english=english)}\n\n{markdown}'


if __name__ == "__main__":
    if sys.argv[1:2] == ["translated"]:
        for name in sys.argv[2:]:
            mark_translated(Path(name).resolve())
    for line in report():
        print(line)
