"""What a what-if changes: a product's page, a shopper's past, business rules. Small frozen values that travel between
processes and are kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import HeedmapError

if TYPE_CHECKING:  # the first frame of the window precedes all that an explanation is made of
    from engine.explain.types import Token

NEW_REVIEW = "review:new-"  # how the field of a review that an edit adds begins


@dataclass(frozen=True)
class Event:
    """An event as it happens. time: ms since 1970, None for "just now"; kind: "" for the usual one.

    context: what else is known, (field, value) pairs; a value that training never met says nothing.
    """

    item: str
    time: int | None = None
    kind: str = ""
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ItemEdit:
    """How one product's page differs from the dataset's.

    dropped: parts taken away from what the model reads of the page as it is edited otherwise, as `Explanation.tokens`
    names them (words, cells, attributes, links, recordings). texts: (field, new text) pairs; a field is one of
    `ItemText.field`, an empty text removes it, and "review:new-1", "review:new-2" ... add reviews. photo: None leaves
    the photo, "" takes it away, else the path of another image file. attributes: None leaves them, else all
    (name, value) pairs that the product has.
    """

    item: str
    dropped: tuple[Token, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    photo: str | None = None
    attributes: tuple[tuple[str, str], ...] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is changed."""
        return self == ItemEdit(self.item)


@dataclass(frozen=True)
class PastEdit:
    """How one shopper's past differs: events added, products removed by name. invented: of nobody in the dataset, with
    no past but the events added."""

    user: str
    added: tuple[Event, ...] = ()
    removed: tuple[str, ...] = ()
    invented: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is changed."""
        return self == PastEdit(self.user)


@dataclass(frozen=True)
class Scenario:
    """Edits of products and of shoppers' pasts, and a file of business rules."""

    edits: tuple[ItemEdit, ...] = ()
    pasts: tuple[PastEdit, ...] = ()
    rules: str = ""

    def edit_of(self, item: str) -> ItemEdit:
        """The edit of a product, an empty one where it is as the dataset has it."""
        return next((edit for edit in self.edits if edit.item == item), ItemEdit(item))

    def with_edit(self, edit: ItemEdit) -> Scenario:
        """The same with this product's edit in place of the one before."""
        others = tuple(one for one in self.edits if one.item != edit.item)
        return replace(self, edits=others if edit.empty else (*others, edit))

    def past_of(self, user: str) -> PastEdit:
        """The edit of a shopper's past, an empty one where it is as the dataset has it."""
        return next((past for past in self.pasts if past.user == user), PastEdit(user))

    def with_past(self, past: PastEdit) -> Scenario:
        """The same with this shopper's past in place of the one before."""
        others = tuple(one for one in self.pasts if one.user != past.user)
        return replace(self, pasts=others if past.empty else (*others, past))

    @property
    def changes(self) -> int:
        """How many single things are changed."""
        page = sum(
            len(edit.dropped) + len(edit.texts) + (edit.photo is not None) + (edit.attributes is not None)
            for edit in self.edits
        )
        past = sum(len(past.added) + len(past.removed) + past.invented for past in self.pasts)
        return page + past + bool(self.rules)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scenario:
        """HeedmapError when it is not what `to_json` writes."""
        try:
            return Scenario(
                tuple(_edit(one) for one in content["edits"]),
                tuple(_past(one) for one in content["pasts"]),
                str(content["rules"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HeedmapError("This is not a scenario.", "Save it again from the What-if view.") from error


def _edit(content: Mapping[str, Any]) -> ItemEdit:
    attributes, photo = content["attributes"], content["photo"]
    return ItemEdit(
        str(content["item"]),
        tuple(_token(one) for one in content["dropped"]),
        _pairs(content["texts"]),
        None if photo is None else str(photo),
        None if attributes is None else _pairs(attributes),
    )


def _past(content: Mapping[str, Any]) -> PastEdit:
    added = tuple(
        Event(str(one["item"]), one["time"], str(one["kind"]), _pairs(one["context"])) for one in content["added"]
    )
    removed = tuple(str(one) for one in content["removed"])
    return PastEdit(str(content["user"]), added, removed, bool(content["invented"]))


def _token(content: Mapping[str, Any]) -> Token:
    from engine.explain.types import Token

    places = {
        name: content[name] if content[name] is None else tuple(content[name]) for name in ("span", "box", "time")
    }
    return Token(content["modality"], str(content["label"]), str(content["field"]), **places)


def _pairs(content: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in content)
