"""The report: whole and self-contained in both languages, the same each time, and deaf to markup in what it tells."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pypdf
import pytest

from engine.audit.check import Example, Figure, Measured, Note, Result, Threshold, judged, not_run
from engine.audit.checks import CHECKS
from engine.audit.inputs import inputs_of
from engine.audit.plan import Plan
from engine.audit.report import fonts
from engine.audit.report.charts import Scale, interval_row, scale_of
from engine.audit.report.pdf import TEMPLATE
from engine.audit.report.words import Words
from engine.audit.report.write import write_report
from engine.audit.summary import figure_label
from engine.audit.texts import LANGUAGES
from engine.errors import HeedmapError
from engine.jobs import finish
from engine.recommend import Recommender

Opened = Callable[..., Recommender]
HOSTILE = """<script>alert(1)</script> #panic("x") $x^2$ *b* _i_ @ref \\ "q" 'a' [c] {n} `r` </svg> & <!-- é 防水"""
VOID = {"meta", "col", "br", "img", "path", "rect", "circle", "image"}
BEGAN = "2026-01-02T03:04:05+00:00"


class Page(HTMLParser):
    """Fails on a tag that is not closed, and keeps what a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.words: list[str] = []
        self.heads: list[tuple[str, dict[str, str]]] = []  # every tag with its attributes, in order
        self.texts: list[list[str]] = []  # what each of them holds
        self.inside: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.heads.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append([])
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "data", "srcset", "action"):
                self.loads.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)
            self.inside.append(self.texts[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()
            self.inside.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        for one in self.inside:
            one.append(data)

    def every(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        """The attributes and the text of each."""
        return [
            (attrs, "".join(text)) for (tag, attrs), text in zip(self.heads, self.texts, strict=True) if tag in tags
        ]


def made_results(run: Recommender) -> tuple[Result, ...]:
    """Every verdict, many groups, hostile and long texts, a check that this version does not know."""
    user, item = run.data.users[0], run.rank(run.data.users[0], 1).items[0].item
    gap = (Threshold("gap", at_most=0.05),)
    groups = tuple(
        Figure("gap", 0.01 * place, 0.01 * place - 0.02, 0.01 * place + 0.02, 40, {"group": f"group {place}"})
        for place in range(50)
    )
    long = Figure("gap", 0.2, 0.1, 0.3, 50, {"group": HOSTILE, "age": "很长的中文群体名称" * 8})
    examples = (
        Example("pair", user, item, note=Note("told", {"text": HOSTILE})),
        Example("product", "", item, box=(0.1, 0.2, 0.5, 0.6)),
        Example("shopper", user),
        Example("text", text=HOSTILE * 10),
    )
    gone = (Example("pair", "nobody", "nothing"), Example("product", "", "nothing"))
    whole = (Threshold("damaged", at_most=0), Threshold("other_dataset", at_most=0))
    return (
        judged("data.whole", Measured((Figure("damaged", 0, n=9), Figure("other_dataset", 0))), whole, 1, 0, 0.1),
        judged("shoppers.made-up", Measured((*groups, long), examples=examples), gap, 1, 50, 0.1),
        judged(
            "privacy.made-up",
            Measured((Figure("auc", 0.61, 0.55, 0.67, 99),), examples=gone),
            (Threshold("auc", at_most=0.6),),
            1,
            99,
            0.1,
        ),
        judged("diversity.made-up", Measured((Figure("gini", -1e-7), Figure("many", 1234567.0))), (), 1, 0, 0.1),
        judged("quality.made-up", Measured(()), (), 1, 0, 0.1),
        not_run("robustness.made-up", Note("no_texts"), gap, 1, 0.0),
    )


@pytest.fixture(scope="module")
def written(opened: Opened, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report in each language: its folder."""
    run = opened()
    run.texts = replace(run.texts, title=tuple(f"{HOSTILE} {one}" for one in run.texts.title))
    folders = {}
    for language in LANGUAGES:
        out = tmp_path_factory.mktemp(f"report-{language}")
        (out / "environment.json").write_text(json.dumps({"began": BEGAN, "device": "cpu"}))
        plan = Plan(title=f"Audit {HOSTILE}", only=("data",), groups=(("age", "gender"),))
        (out / "inputs.json").write_text(json.dumps(inputs_of(run)))
        assert finish(write_report(out, made_results(run), run, plan, inputs_of(run), language)) == ""
        folders[language] = out
    return folders


def text_of(folder: Path, language: str, kind: str) -> str:
    path = folder / f"report.{language}.{kind}"
    if kind == "html":
        return path.read_text(encoding="utf-8")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_well_formed_and_loads_nothing(written: dict[str, Path], language: str) -> None:
    text = text_of(written[language], language, "html")
    page = Page(text)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "embed", "foreignobject", "base"})
    assert page.loads
    for one in page.loads:
        assert one.startswith("data:image/jpeg;base64,") or one[0] == "#", one
    assert len(set(page.ids)) == len(page.ids)
    assert {one[1:] for one in page.loads if one[0] == "#"} <= set(page.ids)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    assert "default-src 'none'" in text
    for one in re.findall(r"<svg.*?</svg>", text, re.S):
        ElementTree.fromstring(one)
    assert HOSTILE in "".join(page.words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_can_be_read_without_seeing_it(written: dict[str, Path], language: str) -> None:
    """Drawings in words, tables with headings of columns and of rows, headings without a gap, names of links."""
    page = Page(text_of(written[language], language, "html"))
    drawings = page.every("svg")
    assert drawings
    for attrs, _ in drawings:
        assert (attrs["role"], bool(attrs["aria-label"].strip())) == ("img", True)
    assert {attrs.get("scope") for attrs, _ in page.every("th")} == {"col", "row", "rowgroup"}
    assert all(text.strip() for attrs, text in page.every("th") if attrs.get("scope") != "row")
    rows = page.every("tr")
    named = sum(attrs.get("scope") == "row" for attrs, _ in page.every("th"))
    plain = sum("class" not in attrs for attrs, _ in rows) - len(page.every("table"))  # neither groups nor headings
    assert named == plain > 10
    levels = [int(tag[1]) for tag, _ in page.heads if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    titles = {attrs["id"] for attrs, _ in page.every("section") if "id" in attrs}
    for attrs, text in page.every("a"):
        assert text.strip()
        assert attrs["href"][1:] in titles
    # What failed is one step from the first page.
    (failed,) = [attrs["href"] for attrs, text in page.every("a") if "privacy.made-up" in text and "0.61" in text]
    assert failed == "#check-privacy-made-up"
    assert page.every("html")[0][0]["lang"] == language.replace("_", "-")
    beside = [attrs for attrs, _ in page.every("span") if attrs.get("class") == "mark"]
    assert any("aria-hidden" in one for one in beside)  # beside its word a symbol is not read out
    assert any("aria-hidden" not in one for one in beside)  # in the contents it stands for the word


def test_markup_in_titles_is_text_in_the_pdf(written: dict[str, Path]) -> None:
    text = text_of(written["en"], "en", "pdf").replace("\n", " ")
    for part in ("<script>alert(1)</script>", '#panic("x")', "$x^2$", "*b*", "_i_", "@ref", "[c]", "{n}"):
        assert part in text, part


def test_the_typesetter_is_given_data_and_never_code() -> None:
    source = TEMPLATE.read_text(encoding="utf-8")
    for word in ("eval", "import", "include", "read(", "plugin", "@preview"):
        assert word not in re.sub(r"//.*", "", source), word


@pytest.mark.parametrize("language", LANGUAGES)
def test_failed_stands_first_and_the_summary_fills_one_page(written: dict[str, Path], language: str) -> None:
    reader = pypdf.PdfReader(written[language] / f"report.{language}.pdf")
    words = Words(language)
    first = reader.pages[0].extract_text().replace("\n", "")
    assert words("what_failed") in first
    assert words("no_claim").replace(" ", "")[:20] in first.replace(" ", "")
    outline = [one.title for one in reader.outline if not isinstance(one, list)]
    order = [words(f"section_{one}") for one in ("fail", "unsure", "pass", "told", "not_run")]
    assert outline[:5] == order
    assert outline[5:] == [words(f"section_{one}") for one in ("parameters", "card", "sheet", "methods")]
    assert 8 <= len(reader.pages) <= 25


def test_the_pdf_tells_when_it_was_measured_and_suits_archives(written: dict[str, Path]) -> None:
    path = written["en"] / "report.en.pdf"
    reader = pypdf.PdfReader(path)
    assert path.read_bytes().startswith(b"%PDF-1.")
    assert path.read_bytes().rstrip().endswith(b"%%EOF")
    assert reader.metadata is not None
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat().startswith("2026-01-02T03:04:05")
    assert reader.metadata.title is not None
    assert reader.metadata.title.startswith("Audit <script>")
    assert b"pdfaid" in path.read_bytes()  # PDF/A says so in plain XMP
    assert "'/Marked': True" in str(reader.root_object["/MarkInfo"].get_object())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_appendix_tells_each_method_in_a_sentence_and_a_small_list(written: dict[str, Path], language: str) -> None:
    words, page = Words(language), Page(text_of(written[language], language, "html"))
    (asked, *_) = [text for attrs, text in page.every("section") if attrs.get("id") == "method-data-whole"]
    parts = words.method("data.whole")
    short, threshold = words.check("data.whole", "short"), words("at_most", value="0")
    order = [short, words("method_measured"), parts["measured"], words("method_asked"), threshold]
    order += [words("method_sample"), words("everything"), words("method_source"), "data.whole"]
    places = [asked.index(one) for one in order]
    assert places == sorted(places)
    # The check itself says no more than the sentence, and leads to the list.
    (check,) = [text for attrs, text in page.every("section") if attrs.get("id") == "check-data-whole"]
    assert short in check
    assert parts["measured"] not in check
    links = {attrs["href"] for attrs, _ in page.every("a")}
    assert {"#method-data-whole", "#method-privacy-made-up"} <= links
    pdf = text_of(written[language], language, "pdf").replace("\n", "").replace(" ", "")
    assert parts["measured"].replace(" ", "") in pdf
    # One this version does not know still tells what is known of it.
    (unknown,) = [text for attrs, text in page.every("section") if attrs.get("id") == "method-privacy-made-up"]
    assert words("at_most", value="0.6") in unknown


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_asks_one_short_question(language: str) -> None:
    words, asked = Words(language), set()
    for name in CHECKS:
        short = words.check(name, "short")
        assert short[-1] in "?？", name
        assert len(short) <= 120, name
        assert len(re.findall(r"[.?。？](?= |$)", short)) <= 1, name
        assert set(words.method(name)) <= {"measured", "judged", "intervals", "limits"}, name
        assert words.method(name)["measured"]
        asked.add(short)
    assert len(asked) == len(CHECKS)


def test_the_same_findings_are_the_same_bytes(written: dict[str, Path], opened: Opened, tmp_path: Path) -> None:
    run = opened()
    run.texts = replace(run.texts, title=tuple(f"{HOSTILE} {one}" for one in run.texts.title))
    (tmp_path / "environment.json").write_text(json.dumps({"began": BEGAN, "device": "cpu"}))
    plan = Plan(title=f"Audit {HOSTILE}", only=("data",), groups=(("age", "gender"),))
    inputs = json.loads((written["en"] / "inputs.json").read_text())
    finish(write_report(tmp_path, made_results(run), run, plan, inputs, "en"))
    for kind in ("html", "pdf"):
        name = f"report.en.{kind}"
        assert (tmp_path / name).read_bytes() == (written["en"] / name).read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["environment.json", "report.en.html", "report.en.pdf"]


def test_no_fact_is_made_up(written: dict[str, Path]) -> None:
    page = "".join(Page(text_of(written["en"], "en", "html")).words)
    assert "Developed byNot known" in page
    assert "Consent of those concernedNot known" in page
    assert "LicenceCC0" in page
    assert "14 products, 10 shoppers, 64 events" in page
    assert "Products without a photo: 1; without a description: 1" in page
    assert "It does not claim that any law is complied with" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contents_of_every_check_there_is_fill_one_page(opened: Opened, tmp_path: Path, language: str) -> None:
    """Under four headings, as many as an audit of all checks has at most, but one."""
    run, verdicts, results = opened(), ((0.2, 0.1, 0.3), (0.6, 0.4, 0.7), (0.9, 0.8, 1.0)), []
    for place, name in enumerate(CHECKS):
        if place % 4 == 3:
            results.append(not_run(name, Note("no_truth"), (), 1, 0.1))
            continue
        figures = (Figure("a", *verdicts[place % 4], 5),)
        results.append(judged(name, Measured(figures), (Threshold("a", at_least=0.65),), 1, 5, 0.1))
    assert finish(write_report(tmp_path, tuple(results), run, Plan(), inputs_of(run), language)) == ""
    pages = [one.extract_text() for one in pypdf.PdfReader(tmp_path / f"report.{language}.pdf").pages[:3]]
    words = Words(language)
    assert words("contents") in pages[1]
    assert words("section_methods") in pages[1].replace("\n", "")
    assert "...." not in pages[2]


def test_without_results_and_time_it_is_a_report_still(opened: Opened, tmp_path: Path) -> None:
    run = opened()
    assert finish(write_report(tmp_path, (), run, Plan(), inputs_of(run), "en")) == ""
    assert "No check was done." in text_of(tmp_path, "en", "html")
    reader = pypdf.PdfReader(tmp_path / "report.en.pdf")
    assert "MeasuredNot known" in reader.pages[0].extract_text().replace("\n", "").replace(" ", "").replace(
        "Notknown", "Not known"
    )


def test_chinese_without_a_font_is_said_and_the_html_is_there(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fonts.families(["DejaVu Sans"], "zh_CN") is None
    assert fonts.families(["DejaVu Sans"], "en") == ["DejaVu Sans"]
    assert fonts.families(["PingFang SC", "Segoe UI"], "zh_CN") == ["Segoe UI", "PingFang SC"]
    monkeypatch.setattr(fonts, "families", lambda known, language: None)
    run = opened()
    why = finish(write_report(tmp_path, (), run, Plan(), inputs_of(run), "zh_CN"))
    assert "the HTML is complete" in why
    assert "Noto Sans CJK" in why
    assert [one.name for one in tmp_path.iterdir()] == ["report.zh_CN.html"]
    with pytest.raises(HeedmapError, match="no report in 'fr'"):
        finish(write_report(tmp_path, (), run, Plan(), inputs_of(run), "fr"))


def test_a_letter_without_a_glyph_costs_the_archive_mark_and_not_the_report(opened: Opened, tmp_path: Path) -> None:
    run = opened()
    finish(write_report(tmp_path, (), run, Plan(title="A\U0001f9a9Z"), inputs_of(run), "en"))
    assert b"pdfaid" not in (tmp_path / "report.en.pdf").read_bytes()
    assert pypdf.PdfReader(io.BytesIO((tmp_path / "report.en.pdf").read_bytes())).pages


def test_a_drawing_has_everything_where_its_number_is() -> None:
    scale = Scale(0.0, 1.0, (0.0, 0.5, 1.0), width=112)  # 6 units of margin: 0 at 6, 1 at 106
    drawn = interval_row(Figure("a", 0.5, 0.25, 0.75), "fail", Threshold("a", at_most=0.2), scale, "a is 0.5")
    shapes: list[dict[str, Any]] = [one.attrib for one in ElementTree.fromstring(drawn.svg)]
    assert any(one.get("cx") == "56" and one.get("class") == "f-fail" for one in shapes)
    assert any(one.get("d", "").startswith("M31.0 10L81.0 10") for one in shapes)
    shade = next(one for one in shapes if one.get("class") == "shade")
    assert (float(shade["x"]), float(shade["x"]) + float(shade["width"])) == (26.0, 112.0)
    assert drawn.alt == "a is 0.5"


@pytest.mark.parametrize(
    ("values", "asked", "ends"),
    [
        ((0.02, 0.09), None, (0.0, 0.1)),
        ((0.81, 0.85), None, (0.8, 0.86)),
        ((-0.03, 0.012), 0.0, (-0.04, 0.02)),
        ((0.0,), 0.0, (0.0, 1.0)),
        ((120.0, 4500.0), None, (0.0, 6000.0)),
    ],
)
def test_scales_end_on_round_numbers(values: tuple[float, ...], asked: float | None, ends: tuple[float, float]) -> None:
    threshold = None if asked is None else Threshold("a", at_most=asked)
    scale = scale_of([Figure("a", one) for one in values], threshold)
    assert (scale.low, scale.high) == pytest.approx(ends)
    assert scale.ticks[0] == scale.low
    assert scale.ticks[-1] == scale.high


def test_numbers_are_short_and_keep_their_sense() -> None:
    words = Words("en")
    said = [words.number(one) for one in (0.0, 3.0, -0.0123, 0.00061, 12.345, 1234567.0, 1.4e-7, float("nan"))]
    assert said == ["0", "3", "−0.012", "0.00061", "12.3", "1,234,567", "0.00000014", "none"]
    assert words.asked(Threshold("a", at_most=5e-5)) == "at most 0.00005"
    assert words.asked(Threshold("a", at_least=0.05, at_most=2)) == "at least 0.05, at most 2"
    assert Words("zh_CN").interval(Figure("a", 1, 0.5, 1.5)) == "0.50 至 1.50"


def test_a_value_is_told_from_the_bound_that_it_misses() -> None:
    words, asked = Words("en"), Threshold("a", at_most=0.3)
    assert words.estimate(Figure("a", 0.3016, 0.2275, 0.3758)) == ("0.30", "0.23 to 0.38")
    assert words.estimate(Figure("a", 0.3016, 0.2275, 0.3758), asked) == ("0.302", "0.228 to 0.376")
    assert words.estimate(Figure("a", 0.3, 0.2275, 0.3758), asked)[0] == "0.30"
    assert words.estimate(Figure("a", 0.34, 0.2275, 0.3758), asked)[0] == "0.34"


def test_what_a_figure_is_of_is_said_in_the_language_of_the_report() -> None:
    chinese, english = Words("zh_CN"), Words("en")
    of = {"by": "age + history", "group": "short", "without": "image"}
    assert english.of(Figure("a", 1.0, of=of)) == "age + length of the past: short, without photos"
    assert chinese.of(Figure("a", 1.0, of=of)) == "年龄 + 历史长度：短，不含图片"
    assert english.of(Figure("a", 1.0, of={"slice": "category Mugs"})) == "category Mugs"
    assert english.of(Figure("a", 1.0, of={"new_key": "x"})) == "new key x"
    assert english.of(Figure("a", 1.0)) == ""
    assert english.of(Figure("a", 1.0, of={"method": "gradient_x_input"})) == "Gradient × input"
    assert chinese.of(Figure("a", 1.0, of={"methods": "contribution / lime"})) == "精确占比 / LIME"
    assert chinese.of(Figure("a", 1.0, of={"what": "reviews"})) == "评论"
    assert figure_label("data.gaps", "lack", {"what": "time"}, "en") == "Products that lack it (date of appearance)"


def test_notes_are_set_as_their_language_is_written() -> None:
    best = Note("best", {"ranker": "decaying EASE", "ndcg": 0.06213})
    assert (
        Words("en").note("quality.ranking", best)
        == "The best simple ranker is EASE that forgets, with an NDCG of 0.062."
    )
    assert Words("zh_CN").note("quality.ranking", best) == "最好的简单方法是随时间衰减的 EASE，NDCG 为 0.062。"
    assert Words("en").note("robustness.words", Note("raised", {"before": 8, "after": 1037})).endswith("1,037.")
    assert "at most 5\u00a0%" in Words("en").method("data.across")["judged"]
    assert " %" not in Words("zh_CN").method("data.across")["judged"]
