"""The words of the sample: names, and the sentences that descriptions and reviews are made of.

A sentence has slots in braces. ‹waterproof› marks a planted word: the marks are taken out and become spans. Nothing
here may name a pattern or a logo that is planted in the photo alone.
"""

from __future__ import annotations

BRANDS = (
    "Aldermoor", "Brisk & Co", "Calder", "Dunlin", "Eskdale", "Fennick", "Halyard", "Ivo Marsh",
    "Juniper Row", "Kestrel",
    "Lowther", "Marlstone", "Nordhavn", "Oriel", "Pennard", "Quayside", "Rook & Reed", "Solent",
    "Tamar", "Wexcombe",
)  # fmt: skip

MODELS = (
    "Tarn", "Arden", "Birk", "Cove", "Drift", "Ember", "Fell", "Glen", "Hollow", "Inlet", "Jetty",
    "Knoll", "Lark", "Mere",
    "Nook", "Otter", "Pace", "Quill", "Ridge", "Sorrel", "Thicket", "Umber", "Vale", "Willow", "Yarrow",
    "Haven", "Loom", "Plover",
)  # fmt: skip

# noun, its path in the shop, its price range, its parts, and what it is used for
CATEGORIES: dict[str, tuple[str, tuple[str, ...], tuple[int, int], tuple[str, ...], tuple[str, ...]]] = {
    "jackets": (
        "jacket", ("Clothing", "Jackets"), (59, 260),
        ("zip", "lining", "collar", "inner pocket", "cuff", "hem"),
        ("the walk to work", "windy mornings", "dog walks", "football on the touchline", "evenings in town"),
    ),
    "sneakers": (
        "pair", ("Shoes", "Sneakers"), (45, 180),
        ("sole", "insole", "tongue", "heel", "toe box", "lacing"),
        ("long days on my feet", "the commute", "the gym", "city trips", "standing behind a counter"),
    ),
    "backpacks": (
        "backpack", ("Bags", "Backpacks"), (39, 190),
        ("main zip", "front pocket", "shoulder strap", "laptop sleeve", "buckle", "back panel"),
        ("school", "weekend trips", "the train", "carrying a laptop", "hand luggage"),
    ),
    "caps": (
        "hat", ("Clothing", "Caps and hats"), (15, 70),
        ("brim", "sweatband", "crown", "stitching", "lining", "fit at the back"),
        ("the garden", "bad hair days", "the allotment", "early runs", "festivals"),
    ),
    "watches": (
        "watch", ("Accessories", "Watches"), (65, 390),
        ("strap", "buckle", "crown", "dial", "second hand", "clasp"),
        ("the office", "every day", "weddings", "timing the oven", "travelling"),
    ),
    "mugs": (
        "mug", ("Kitchen", "Mugs"), (9, 38),
        ("handle", "rim", "base", "glaze", "foot", "inside"),
        ("the first coffee of the day", "soup at my desk", "cocoa", "the office kitchen", "slow Sundays"),
    ),
    "lamps": (
        "lamp", ("Home", "Lamps"), (29, 210),
        ("switch", "shade", "cable", "base", "bulb holder", "plug"),
        ("the bedside", "a dark hallway", "reading", "the piano", "a corner that needed light"),
    ),
    "chairs": (
        "chair", ("Home", "Chairs"), (79, 640),
        ("seat", "backrest", "frame", "armrest", "upholstery", "cushion"),
        ("the reading corner", "the kitchen table", "the spare room", "feeding the baby", "long phone calls"),
    ),
}  # fmt: skip

KIND_NAMES = {
    "low": "low sneakers", "high": "high-top sneakers", "runner": "running sneakers",
    "slip-on": "slip-on sneakers",
    "trucker": "trucker jacket", "bomber": "bomber jacket", "puffer": "puffer jacket",
    "round watches": "round watch", "square watches": "square watch", "diver": "diver watch",
    "baseball": "baseball cap",
    "bucket": "bucket hat", "straight mugs": "straight mug", "round mugs": "round mug",
    "tapered": "tapered mug", "camp": "camp mug",
    "bottle": "bottle-base lamp", "column": "column lamp", "tripod": "tripod lamp", "mushroom": "mushroom lamp",
    "wing": "wing chair", "shell": "shell chair", "dining": "dining chair",
}  # fmt: skip

# Sentences of a shop's description that hold a planted word.
DESCRIBED: dict[str, tuple[str, ...]] = {
    "waterproof": (
        "The outside is fully ‹waterproof›, seams included.",
        "A ‹waterproof› finish keeps a downpour where it belongs.",
        "Tested in the rain room: ‹waterproof› for six hours and more.",
        "‹Waterproof› from the first day, and it stays that way for years.",
        "We built it for wet places, so every layer is ‹waterproof›.",
    ),
    "lightweight": (
        "At this size you would expect more grams, yet it is remarkably ‹lightweight›.",
        "A ‹lightweight› build that you stop noticing after a minute.",
        "We took weight out wherever we could; the result is truly ‹lightweight›.",
        "‹Lightweight› by design, so moving it about is no chore.",
        "Strong where it must be, ‹lightweight› everywhere else.",
    ),
    "handmade": (
        "Each one is ‹handmade›, so no two are quite alike.",
        "‹Handmade› in small runs by people who sign their work.",
        "This {noun} is ‹handmade› in a workshop of nine.",
        "It takes a day to finish, because it is ‹handmade› from start to end.",
        "A ‹handmade› piece with the small marks that come with it.",
    ),
    "sturdy": (
        "A ‹sturdy› build that forgives rough use.",
        "Drop it, lend it, forget it outdoors: it is ‹sturdy› enough.",
        "‹Sturdy› joints and doubled seams where the strain is.",
        "We made it ‹sturdy› first and pretty second.",
        "The {part} alone is ‹sturdy› enough to outlive the rest.",
    ),
    "recycled": (
        "Four fifths of it is ‹recycled›, down to the thread.",
        "Made from ‹recycled› stock that would have been burnt.",
        "The filling and the trim are ‹recycled›.",
        "We use ‹recycled› material wherever it is good enough, and here it is.",
        "‹Recycled› at heart, and it can go round once more.",
    ),
}

# What shoppers write about the same things.
REVIEWED: dict[str, tuple[str, ...]] = {
    "waterproof": (
        "Stood in the rain for an hour and it really is ‹waterproof›.",
        "Finally something ‹waterproof› that does not look like camping gear.",
        "I poured a jug over it to check: ‹waterproof›, no question.",
        "Bought it because a friend swore it was ‹waterproof› and she was right.",
        "Properly ‹waterproof›, unlike my last one.",
        "After a week of storms I can say it is ‹waterproof›.",
        "‹Waterproof› as promised, not a drop got through.",
    ),
    "lightweight": (
        "So ‹lightweight› that I keep checking whether I have it with me.",
        "What I like most is how ‹lightweight› it is.",
        "It feels ‹lightweight› without feeling cheap.",
        "‹Lightweight›, which matters with my bad shoulder.",
        "I had one twice as heavy; this ‹lightweight› one wins every time.",
        "Very ‹lightweight›, my daughter carries it around with two fingers.",
        "Surprisingly ‹lightweight› for what it is.",
    ),
    "handmade": (
        "You can tell that it is ‹handmade›, in the best way.",
        "It looks ‹handmade› because it is, tiny quirks and all.",
        "The note in the box says who made it: really ‹handmade›.",
        "I collect ‹handmade› things and this belongs with the good ones.",
        "Mine has a small wobble, but that is what ‹handmade› means.",
        "‹Handmade› at this price is rare.",
        "My mother, who knows ‹handmade› when she sees it, approved.",
    ),
    "sturdy": (
        "Very ‹sturdy›, it has survived two toddlers.",
        "It fell down the stairs and nothing happened, so yes, ‹sturdy›.",
        "Feels ‹sturdy› in the hand.",
        "‹Sturdy› and no nonsense.",
        "I am hard on my things and this one is ‹sturdy› enough for me.",
        "The {part} is the ‹sturdy› sort you rarely find now.",
        "Heavy use since spring and still as ‹sturdy› as on day one.",
    ),
    "recycled": (
        "I like that it is mostly ‹recycled›.",
        "Hard to believe that this was ‹recycled› from bottles.",
        "The ‹recycled› material feels no different.",
        "Chose it over two others because it is ‹recycled›.",
        "‹Recycled› and it does not shout about it.",
        "Points for using ‹recycled› stuff.",
    ),
}

# Said of products that lack the quality: the word stands there, but nobody who wants it should be drawn by it.
DENIED: dict[str, tuple[str, ...]] = {
    "waterproof": ("Just do not expect it to be waterproof.", "I wish it were waterproof, but it is not."),
    "lightweight": ("Nobody would call it lightweight.", "Not exactly lightweight, mind you."),
    "handmade": ("Clearly not handmade, but neat all the same.", "I thought it was handmade; it is not."),
    "sturdy": ("Could be more sturdy.", "Not as sturdy as I had hoped."),
    "recycled": ("A pity that none of it is recycled.", "It is not recycled, as far as I can tell."),
}

OPENINGS = (
    "The {model} is our answer to {use}.",
    "A {kind} for people who keep their things for years.",
    "{brand} has made the {model} for a decade and changed only what needed changing.",
    "Meet the {model}: a quiet {kind} with a good {part}.",
    "We drew the {model} with {use} in mind.",
    "Some things should simply work, and this {kind} does.",
    "New from {brand}: a {kind} that earns its place.",
    "The {model} began as a sketch on a train ticket.",
    "Ask around and somebody will know a {brand} that is older than they are.",
    "A small design with a lot of thought behind the {part}.",
    "This is the {kind} that our own staff buy.",
    "Good for {use}, better for {use2}.",
)

MAKING = (
    "Made of {material}, finished in {colour}.",
    "The {material} comes from one supplier that we have known for years.",
    "{Colour} outside, and the {part} picks up the tone.",
    "We chose {material} because it ages well.",
    "Made from {material} and looked over twice before it leaves us.",
    "In {colour}, a shade that took us eleven tries.",
    "The {part} is set by hand and the {part2} can be replaced.",
    "Everything you touch is {material}; everything you do not is just as carefully made.",
)

NAMED = {  # patterns and logos that the shop does name
    "checks": ("An old ‹check› design runs over it.", "The ‹check› is taken from a sample book of 1931."),
    "zigzag": ("A lively ‹zigzag› runs across it.", "The ‹zigzag› took our designer a whole winter."),
    "star": ("It carries the small ‹star› of the Polaris line.", "Look for the ‹star›: it marks the line."),
    "wave": ("It carries the double ‹wave› of the Harbour line.", "The ‹wave› stands for our Harbour line."),
}

DETAILS = (
    "The {part} has been reworked this year.",
    "A spare {part} can be ordered at any time.",
    "Delivered in plain cardboard, no plastic.",
    "Guaranteed for three years.",
    "Wipe with a damp cloth when it needs it.",
    "Wears in within a week or so.",
    "Measures are given on the next page.",
    "Pairs well with the rest of the {model} line.",
    "Most of our customers buy a second one for {use}.",
    "Returned ones are repaired and sold again at half price.",
    "The {part2} is hidden so that nothing catches.",
    "A favourite for {use2}.",
)

PRAISE = (
    "Love it.", "Exactly what I was looking for.", "Better than in the pictures.", "Full marks from me.",
    "I use it for {use} and could not be happier.", "My third {noun} from {brand} and the best so far.",
    "Bought this for {person}, who has not put it down since.", "No complaints after {time}.",
    "The {part} is lovely.", "I get asked about it all the time.", "Great {noun}, fair price.",
    "It replaced one I had for ten years, and that says a lot.", "Perfect for {use}.",
    "Very happy with the {part} and even happier with the {part2}.", "Well made, well packed, quickly here.",
)  # fmt: skip

MIXED = (
    "It is fine.", "Good {noun}, but the {part} could be better.", "Does the job for {use}, nothing more.",
    "I like it less than I thought I would.", "Nice to look at, though the {part} annoys me.",
    "Middling because of the {part}; the rest is good.", "Not bad, not great.",
    "Took {time} to get used to it.",
    "Somewhat overpriced, but it works.", "The {part} is good, the {part2} is not.",
)  # fmt: skip

BLAME = (
    "Sent it back.", "The {part} broke after {time}.", "Not for me.", "Looks cheap when you hold it.",
    "I expected much more from {brand}.", "The {part} was crooked and the {part2} not much better.",
    "Disappointing, to be honest.", "Would not buy it again.",
    "It smelled odd and {person} refused to have it in the house.",
    "Fell apart within {time}.", "Waste of money, sadly.", "For {use} it is simply no good.",
)  # fmt: skip

ASIDES = (
    "Arrived a day early.", "The courier left it with the neighbours.", "{Person} wants one too.",
    "I ordered it late at night.",
    "The {colour} is a little darker than on my screen.", "I have had it for {time} now.",
    "Mostly used for {use}.",
    "The box was dented, the {noun} was not.", "Customer service answered within the hour.",
    "I asked a question first and got a kind answer.", "Matches the one {person} gave me.",
    "The {material} feels nice.",
    "I nearly bought the other colour.", "We took it on holiday.", "Ordered two by mistake and kept both.",
    "The {part} took some getting used to.", "My cat has opinions about it.", "Came with a handwritten card.",
    "I read a lot of reviews before I chose it.", "Would suit a tall person as well.",
)  # fmt: skip

CLOSINGS: dict[str, tuple[str, ...]] = {
    "praise": (
        "Recommended.",
        "Would buy again.",
        "Worth it.",
        "Thank you, {brand}!",
        "Good value, I think.",
        *[""] * 5,
    ),
    "mixed": (
        "That is all.",
        "Ask me again in a year.",
        "Wait for the sale.",
        "Make of that what you will.",
        *[""] * 5,
    ),
    "blame": ("That is all.", "A shame.", "Look elsewhere.", "I got my money back, at least.", *[""] * 4),
}

PEOPLE = (
    "my sister",
    "my husband",
    "my wife",
    "my dad",
    "a colleague",
    "my son",
    "my neighbour",
    "my best friend",
    "my flatmate",
)
TIMES = (
    "two weeks",
    "a month",
    "a few days",
    "half a year",
    "a whole winter",
    "three months",
    "ten weeks",
    "one summer",
)

TITLES: dict[str, tuple[str, ...]] = {
    "praise": (
        "Lovely",
        "So happy",
        "Just right",
        "A keeper",
        "Spot on",
        "Wonderful {noun}",
        "Glad I bought it",
        "Top",
        "A joy",
    ),
    "mixed": ("It is all right", "Fine", "Mixed feelings", "Could be better", "Almost", "Decent {noun}", "Hmm"),
    "blame": ("Disappointed", "Not good", "Sent back", "Avoid", "Expected more", "Poor {noun}"),
}
