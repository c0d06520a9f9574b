"""A product's page as the dataset has it, to be edited, and the values that an edit can choose from."""

from __future__ import annotations

from engine.answers import AttributeValues, ItemPage
from engine.foreign.run import ForeignRun
from engine.recommend import Recommender
from engine.whatif.attributes import item_pairs, known_values


def page(recommender: Recommender | ForeignRun, name: str) -> ItemPage:
    """HeedmapError for an unknown product. A run made elsewhere reads no page: its products have title and photos."""
    shop = recommender.shop
    item = shop.item(name)
    title, images = shop.texts.title[item], shop.texts.images[item]
    if isinstance(recommender, ForeignRun):
        return ItemPage(name, title, (), images, (), editable=False)
    return ItemPage(name, title, recommender.item_texts(item), images, item_pairs(recommender, item))


def values(recommender: Recommender | ForeignRun) -> tuple[AttributeValues, ...]:
    """Every attribute's values that the run knows, by the attribute's name; none of a run made elsewhere."""
    return () if isinstance(recommender, ForeignRun) else known_values(recommender)
