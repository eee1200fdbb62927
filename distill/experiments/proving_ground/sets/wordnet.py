"""WordNet: the gloss of a sense -> the lexicographer's file that it stands in, one of 45.

Fellbaum, "WordNet: An Electronic Lexical Database", MIT Press 1998. The format is wndb(5WN) in the package.
"""

from __future__ import annotations

from distill.experiments.proving_ground.sets.debian_package import unpacked
from distill.experiments.proving_ground.sets.proving_set import Cells, texts

# By number, as in lexnames(5WN).
_FILES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition "
    "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession "
    "verb.social verb.stative verb.weather adj.ppl"
)


def glosses() -> Cells:
    """Every sense's gloss with its examples, without the words that have the sense.

    Raises:
        FetchError: see `debian_package.unpacked`.
    """
    names, rows = _FILES.split(), []
    for part in ("noun", "verb", "adj", "adv"):
        path = unpacked("wordnet-base") / "usr" / "share" / "wordnet" / f"data.{part}"
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.startswith("  "):  # the licence, at the file's top
                fields, _, gloss = line.partition(" | ")
                rows.append((gloss.strip(), names[int(fields.split()[1])]))
    return texts(rows)
