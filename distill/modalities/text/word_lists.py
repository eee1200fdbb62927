"""Public lists of words: nobody's secret, so they may stand in a bundle, and a student may be taught on all of them."""

from __future__ import annotations

from pathlib import Path

from distill.errors import FetchError

MOST_WORDS = 60_000


def load(name: str | None, base: Path) -> tuple[str, ...]:
    """Words in lower case, letters alone, the commonest first, at most MOST_WORDS; none where `name` is None.

    Args:
        name: a language that `pyspellchecker` (MIT) carries a list of, such as "en", or a file with a word a line, the
            commonest first, looked for in `base`, the recipe's folder, and in the working directory.
        base: see `name`.

    Raises:
        FetchError: there is no such list.
    """
    if name is None:
        return ()
    lines = _of_file(name, base)
    if lines is None:
        lines = _of_language(name)
    words = dict.fromkeys(word for line in lines if len(word := line.strip().lower()) > 1 and word.isalpha())
    return tuple(words)[:MOST_WORDS]


def _of_file(name: str, base: Path) -> list[str] | None:
    for path in (base / name, Path(name)):
        if path.is_file():
            try:
                return path.read_text("utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8"
                raise FetchError(f"{path} (transfer.words) cannot be read: {reason}.") from None
    return None


def _of_language(name: str) -> list[str]:
    from spellchecker import SpellChecker  # reads its own list at import

    languages = SpellChecker.languages()
    if name not in languages:
        raise FetchError(
            f"transfer.words is {name!r}, neither a file nor one of the languages {', '.join(sorted(languages))}. "
            "Name a file with a word a line, or take it out."
        )
    counts = SpellChecker(language=name).word_frequency.dictionary
    floor = min(counts.values())  # stands for all that were never counted, by the hundred thousand
    return sorted((word for word in counts if counts[word] > floor), key=lambda word: (-counts[word], word))
