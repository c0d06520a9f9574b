"""The desk of an engine process: takes a job by its name, keeps opened runs at hand between jobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.at_hand import UNCHANGED, AtHand
from engine.dataset.tables import Query
from engine.errors import HeedmapError
from engine.files import read_json
from engine.jobs import Job, Progress
from engine.scenario import Scenario
from engine.workspace import refuse_newer

if TYPE_CHECKING:
    from engine.columns import Filter
    from engine.compare.types import Side
    from engine.explain.types import Explanation
    from engine.live import Session
    from engine.rules import Rule


EVERYTHING = Query()


@dataclass(frozen=True)
class RunLog:
    """How a run was set up and how it went: a row of figures per epoch ("epoch", "loss", "ndcg@10", "recall@10")."""

    run: str  # its folder
    dataset: str  # the folder of its dataset
    settings: dict[str, Any]
    rows: tuple[dict[str, float], ...]


class Desk:
    """Every public method is a job: a generator of Progress that returns an answer."""

    def __init__(self) -> None:
        self.at_hand = AtHand()

    def job(self, name: str, arguments: dict[str, Any]) -> Job:
        """Start the job called `name`. HeedmapError when there is none; NewerError where it is
        asked of anything in a workspace of a newer version."""
        method = None if name.startswith("_") or name == "job" else getattr(type(self), name, None)
        if method is None:
            raise HeedmapError(f"There is no job called {name!r}.")
        for value in arguments.values():
            if isinstance(value, str) and os.path.isabs(value):
                refuse_newer(Path(value))
        return method(self, **arguments)

    def list_workspace(self, workspace: str, create: bool = False) -> Job:
        """Return a WorkspaceSummary: the datasets and runs of a workspace folder, newest run first. create: make it one
        where it is none, bring an older one forward, and remove what processes that were killed left half written."""
        from engine.leftovers import sweep
        from engine.upgrade import open_workspace
        from engine.workspace import summarise

        yield Progress("Reading the workspace")
        if create:
            sweep(Path(workspace))
        return (open_workspace if create else summarise)(Path(workspace))

    def open_run(self, run: str, epoch: int | None = None) -> Job:
        """Open a run and return its RunSummary. epoch: one that it has kept, to have it at hand; None is the finished
        run, here and in other jobs."""
        from engine.explain.methods import methods_of

        recommender = yield from self.at_hand.run(run, epoch=epoch)
        return recommender.summary(methods_of(recommender))

    def rank(
        self,
        run: str,
        user: str,
        k: int = 100,
        scenario: Scenario = UNCHANGED,
        epoch: int | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> Job:
        """Return the Ranking of the `k` best products for a shopper, had all been as a scenario has it, under business
        rules: the scenario's own where it has some."""
        recommender = yield from self.at_hand.run(run, scenario, epoch)
        return recommender.rank(user, k, _session(user, scenario), _rules(scenario.rules) or rules)

    def explain(
        self,
        run: str,
        user: str,
        item: str,
        method: str = "contribution",
        scenario: Scenario = UNCHANGED,
        epoch: int | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> Job:
        """Return the Explanation of one product's score for one shopper, under the same scenario and rules as
        `rank`."""
        from engine.explain.methods import explaining

        recommender = yield from self.at_hand.run(run, scenario, epoch)
        session = _session(user, scenario)
        return (yield from explaining(recommender, user, item, method, session, _rules(scenario.rules) or rules))

    def rule_fields(self, run: str) -> Job:
        """Return the RuleFields that conditions of business rules can ask of a run's products."""
        from engine.rule_book import rule_fields

        recommender = yield from self.at_hand.run(run)
        yield Progress("Reading attributes")
        return rule_fields(recommender.shop)

    def rule_reach(self, run: str, rules: tuple[Rule, ...]) -> Job:
        """Return the RuleReach of business rules in a run's catalogue."""
        from engine.rule_book import rule_reach

        recommender = yield from self.at_hand.run(run)
        yield Progress("Reading attributes")
        return rule_reach(recommender.shop, rules)

    def page(self, run: str, item: str) -> Job:
        """Return the ItemPage of a product: its texts, photos and attributes as the dataset has them."""
        from engine.whatif.page import page

        yield Progress("Reading the product")
        return page((yield from self.at_hand.run(run)), item)

    def values(self, run: str) -> Job:
        """Return the AttributeValues of every attribute that the run knows; none where it reads none."""
        from engine.whatif.page import values

        yield Progress("Reading attributes")
        return values((yield from self.at_hand.run(run)))

    def warm(self, run: str) -> Job:
        """Open what reads edited texts and photos, so that an edit need not wait for it; return the kinds that are
        open. Given up half way, it goes on from there the next time."""
        from engine.foreign.run import ForeignRun
        from engine.whatif.opening import warm

        recommender = yield from self.at_hand.run(run)
        return () if isinstance(recommender, ForeignRun) else (yield from warm(recommender))

    def counterfactual(
        self,
        run: str,
        item: str,
        users: tuple[str, ...],
        k: int = 10,
        lift: bool = False,
        kinds: tuple[str, ...] = (),
        share: float = 0.5,
        seconds: float = 20.0,
    ) -> Job:
        """Return a Counterfactual: what takes a product out of the list of the one shopper named; or, with `lift`, a
        Lift: what brings it into the lists of `share` of all that are named. `kinds`: all when none is named."""
        from engine.counterfactual.drop import drop
        from engine.counterfactual.lift import lift as lifted
        from engine.counterfactual.types import DROP_KINDS

        recommender = yield from self.at_hand.run(run)
        if lift:
            return (yield from lifted(recommender, item, users, k, share, seconds))
        if len(users) != 1:
            raise HeedmapError("A place is lost in one shopper's list.", "Name one shopper.")
        return (yield from drop(recommender, users[0], item, k, kinds or DROP_KINDS, seconds))

    def compare(self, left: Side, right: Side, k: int = 100, rules: tuple[Rule, ...] = ()) -> Job:
        """Return the Comparison of two sides; `k` places of their ranked lists are compared, under business rules as
        in `rank`."""
        from engine.compare.job import comparing

        sides = []
        for side in (left, right):
            sides.append((yield from self._open_side(side, rules)))
        return (yield from comparing(sides[0], sides[1], k))

    def contrast(self, side: Side, other: str) -> Job:
        """Return Above: why a side's product has another score than `other`, for the same shopper."""
        from engine.compare.job import stands_above

        return (yield from stands_above((yield from self._open_side(side)), other))

    def split_past(self, run: str, user: str, item: str, past: str, scenario: Scenario = UNCHANGED) -> Job:
        """Return the PastSplit of a past purchase's share in a product's score: its words, cells and attributes."""
        from engine.explain.past import split

        case = yield from self._case(run, user, item, scenario)
        return split(case, past, _session(user, scenario))

    def pairs(self, run: str, user: str, item: str, scenario: Scenario = UNCHANGED) -> Job:
        """Return the PastPairs of a shopper's past purchases with the rows of the product's explanation."""
        from engine.explain.pairs import pairs

        return pairs((yield from self._case(run, user, item, scenario)))

    def attention_of_past(self, run: str, user: str, item: str, scenario: Scenario = UNCHANGED) -> Job:
        """Return the PastAttention of the shopper's sequence; it is the same for every product."""
        from engine.explain.past_attention import attention_of_past

        return attention_of_past((yield from self._case(run, user, item, scenario)))

    def sample(self, out: str, items: int = 400, shoppers: int = 600, seed: int = 7) -> Job:
        """Draw and write the planted-truth sample; return its folder."""
        from engine.dataset.sample import sample

        return str((yield from sample(Path(out), items=items, shoppers=shoppers, seed=seed)))

    def import_dataset(self, kind: str, sources: list[str], out: str, **options: str) -> Job:
        """Import a dataset from files; return its folder."""
        from engine.importers import import_dataset

        return str((yield from import_dataset(kind, [Path(s) for s in sources], Path(out), **options)))

    def train(self, dataset: str, run: str, settings: dict[str, Any] | None = None, resume: bool = False) -> Job:
        """Train a run on a dataset; return its folder. `settings` are fields of `engine.training.config.Config`."""
        from engine.training.config import Config
        from engine.training.loop import train

        config = Config.from_settings(settings or {})
        return str((yield from train(Path(dataset), Path(run), config, resume=resume)))

    def update(
        self, dataset: str, run: str, of: str, settings: dict[str, Any] | None = None, replay: float = 1.0
    ) -> Job:
        """Train the run `of` on into `run`, on a dataset with more events; return its folder."""
        from engine.training.update import update

        return str((yield from update(Path(dataset), Path(run), Path(of), settings or {}, replay)))

    def evaluate(
        self, run: str, split: str = "test", k: int = 10, baselines: list[str] | None = None, knock_out: bool = False
    ) -> Job:
        """Measure a run; return its figures as `heedmap evaluate --json` prints them. `baselines`: all when None."""
        from engine.evaluation.evaluate import Wanted, evaluate
        from engine.model.baselines import BASELINES

        names = tuple(BASELINES) if baselines is None else tuple(baselines)
        recommender = yield from self.at_hand.run(run)
        return (yield from evaluate(recommender, Wanted(split, k, names, knock_out)))

    def audit(self, run: str, out: str, plan: str = "standard", languages: tuple[str, ...] = ("en", "zh_CN")) -> Job:
        """Audit a run into the folder `out`, or go on with what it holds; return the OpenedBundle. plan: as
        `plan_of` has it."""
        from engine.audit.checks import CHECKS
        from engine.audit.opened import opened_bundle
        from engine.audit.plan import plan_of
        from engine.audit.run import audit

        wanted = plan_of(plan, CHECKS)
        yield from audit((yield from self.at_hand.inside(run)), wanted, Path(out), languages=languages)
        return (yield from opened_bundle(Path(out)))

    def list_audits(self, workspace: str) -> Job:
        """Return the AuditEntries of a workspace, newest first."""
        from engine.audit.listing import list_audits

        yield Progress("Reading audits")
        return list_audits(Path(workspace))

    def bundle(self, path: str, signer: str = "") -> Job:
        """Verify an audit's bundle and return it as an OpenedBundle."""
        from engine.audit.opened import opened_bundle

        return (yield from opened_bundle(Path(path), signer))

    def recompute(self, path: str, run: str, share: float, seed: int) -> Job:
        """Measure a share of a bundle again; return (tuple[Again], notes)."""
        from engine.audit.bundle import open_bundle
        from engine.audit.recompute import recompute

        return (yield from recompute(open_bundle(Path(path)), (yield from self.at_hand.inside(run)), share, seed))

    def zip_bundle(self, path: str, out: str) -> Job:
        """Write a bundle's folder as one zip; return its path."""
        from engine.audit.bundle import zip_of

        yield Progress("Writing the zip")
        zip_of(Path(path), Path(out))
        return out

    def compare_audits(self, before: str, after: str) -> Job:
        """Return the Difference of two bundles, whatever their state: `bundle` tells it."""
        from engine.audit.bundle import open_bundle
        from engine.audit.difference import difference
        from engine.audit.verify import results_of

        yield Progress("Comparing two audits")
        return difference(results_of(open_bundle(Path(before))), results_of(open_bundle(Path(after))))

    def columns(self, run: str, kind: str) -> Job:
        """Return the Columns of a run's products ("items") or shoppers ("users")."""
        return (yield from self.at_hand.columns(run, kind))

    def matching(self, run: str, kind: str, filters: tuple[Filter, ...], every: bool = True) -> Job:
        """Return the Selection of the products or shoppers that meet all filters, or any of them."""
        from engine.matching import matching

        recommender = yield from self.at_hand.run(run)
        return matching(recommender.shop, (yield from self.at_hand.columns(run, kind)), filters, every)

    def project(
        self,
        run: str,
        what: str = "items",
        how: str = "pca",
        seed: int = 1,
        sample: int = 400,
        rules: tuple[Rule, ...] = (),
    ) -> Job:
        """Return the Projection of products, shoppers or explanations ("reasons": of what each shopper is shown first
        under business rules) to a plane."""
        from engine.projection import project

        recommender = yield from self.at_hand.inside(run)
        table = None if what == "reasons" else (yield from self.at_hand.columns(run, what))
        return (yield from project(recommender, table, what, how, seed, sample, rules))

    def cohort(
        self,
        run: str,
        items: tuple[str, ...] = (),
        users: tuple[str, ...] | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> Job:
        """Return the Cohort: what sells these products to these shoppers (all when None), in the mean; without
        products, what sells at all that they are shown under business rules."""
        from engine.explain.cohort import sells, sells_these

        recommender = yield from self.at_hand.inside(run)
        named = None if users is None else list(users)
        if items:
            return (yield from sells_these(recommender, list(items), named))
        return (yield from sells(recommender, named, rules))

    def browse_columns(self, dataset: str) -> Job:
        """Return the Tables of a dataset: their columns and how many rows each has."""
        return (yield from self.at_hand.browser(dataset)).tables()

    def browse(
        self,
        dataset: str,
        table: str,
        query: Query = EVERYTHING,
        columns: tuple[str, ...] = (),
        sort: str = "",
        descending: bool = False,
        offset: int = 0,
        limit: int = 200,
    ) -> Job:
        """Return a Page of a table: rows `offset` onwards of those that a query finds, sorted by a column."""
        browser = yield from self.at_hand.browser(dataset)
        ask = partial(browser.page, table, query, columns, sort, descending, offset, limit)
        return (yield from browser.job("Reading rows", ask))

    def write_rows(
        self,
        dataset: str,
        table: str,
        query: Query,
        columns: tuple[str, ...],
        out: str,
        sort: str = "",
        descending: bool = False,
    ) -> Job:
        """Write all rows that a query finds, as CSV or Parquet by the suffix of `out`; return its path."""
        from engine.dataset.write_rows import write_rows

        browser = yield from self.at_hand.browser(dataset)
        return (yield from write_rows(browser, table, query, columns, Path(out), sort, descending))

    def browse_row(self, dataset: str, table: str, row: int) -> Job:
        """Return the Record of one row, whole."""
        browser = yield from self.at_hand.browser(dataset)
        return (yield from browser.job("Reading rows", partial(browser.record, table, row)))

    def browse_keys(self, dataset: str, table: str, query: Query = EVERYTHING, of: str = "items") -> Job:
        """Return the keys of the products ("items") or shoppers ("users") of the rows that a query finds."""
        browser = yield from self.at_hand.browser(dataset)
        return (yield from browser.job("Reading rows", partial(browser.keys, table, query, of)))

    def browse_distribution(self, dataset: str, table: str, column: str, query: Query = EVERYTHING) -> Job:
        """Return the Distribution of a column's values over the rows that a query finds."""
        browser = yield from self.at_hand.browser(dataset)
        return (yield from browser.job("Counting values", partial(browser.distribution, table, column, query)))

    def find_missing(self, dataset: str) -> Job:
        """Return Missing: which products lack a photo, a text, a price, reviews and so on."""
        from engine.dataset.health import missing

        return (yield from missing((yield from self.at_hand.browser(dataset))))

    def find_duplicates(self, dataset: str) -> Job:
        """Return the Duplicates among the photos of a dataset: the same, or nearly so."""
        from engine.dataset.duplicates import duplicates

        return (yield from duplicates((yield from self.at_hand.browser(dataset)).dataset))

    def run_rows(self, workspace: str) -> Job:
        """Return a RunRow for each run of a workspace; a damaged one is left out."""
        from engine.evaluation.runs import runs

        yield Progress("Reading the workspace")
        return tuple(runs([Path(workspace)])[0])

    def run_card(self, run: str) -> Job:
        """Return the RunCard of a run: its settings, its course, and what was measured of it."""
        from engine.run_card import run_card

        yield Progress("Reading the run")
        return run_card(Path(run))

    def history(self, run: str) -> Job:
        """Return the RunLog of a run, finished or not."""
        from engine.workspace import read_card

        yield Progress("Reading the run")
        folder = Path(run)
        card = read_card(folder)
        try:
            dataset = (folder / card["dataset"]["folder"]).resolve()
            settings = dict(card["config"])
        except (KeyError, TypeError) as error:
            raise HeedmapError(
                f"{folder / 'run.json'} is not a run's description.", "Restore it from a copy."
            ) from error
        rows = read_json(folder / "history.json") if (folder / "history.json").is_file() else []
        return RunLog(str(folder), str(dataset), settings, tuple(rows))

    def write_table(self, columns: dict[str, list[Any]], out: str) -> Job:
        """Write columns of one length as a Parquet file; return its path."""
        from engine.table_file import write_parquet

        yield Progress("Writing")
        write_parquet(columns, Path(out))
        return out

    def write_explanation(self, explanation: Explanation, dataset: str, out: str) -> Job:
        """Write an explanation to a file by its suffix (.html, .svg, .csv, .json); return its path."""
        from engine.dataset.store import Dataset
        from engine.explain.export import export

        yield Progress("Writing")
        export(explanation, Dataset.open(Path(dataset)), Path(out))
        return out

    def _case(self, run: str, user: str, item: str, scenario: Scenario) -> Any:
        """A pair laid open under a scenario. HeedmapError where the run shows nothing of its inside."""
        from engine.explain.case import Case
        from engine.foreign.run import ForeignRun

        recommender = yield from self.at_hand.run(run, scenario)
        if isinstance(recommender, ForeignRun):
            raise HeedmapError(
                f"{recommender.folder.name} was made elsewhere and shows nothing of its inside.",
                "What can be told of its past purchases is their own share: leave-one-out.",
            )
        return Case(recommender, user, item, _session(user, scenario))

    def _open_side(self, side: Side, rules: tuple[Rule, ...] = ()) -> Job:
        from engine.compare.job import OpenSide

        recommender = yield from self.at_hand.run(side.run, side.scenario, side.epoch)
        return OpenSide(side, recommender, _session(side.user, side.scenario), _rules(side.scenario.rules) or rules)


def _session(user: str, scenario: Scenario) -> Session | None:
    from engine.live import Session

    past = scenario.past_of(user)
    return None if past.empty else Session(past.added, past.removed, past.invented)


def _rules(path: str) -> tuple[Rule, ...]:
    from engine.rules import read_rules

    return read_rules(Path(path)) if path else ()
