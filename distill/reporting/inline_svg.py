"""A stand-alone SVG document made fit to stand inside an HTML page: no links, no style of its own, half the bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

_COORDINATES = ("d", "x", "y", "transform")

_WRITTEN = frozenset({"text"})  # the elements whose content is words


def inline(
    document: str,
    *,
    prefix: str,
    title: str,
    colours: Mapping[str, str],
    width: tuple[int, int],
    box: tuple[float, float],
) -> str:
    """The document as one `<svg>` element.

    Args:
        document: SVG as matplotlib writes it. Only its attributes are changed, never what a text says.
        prefix: set before every id, so that several drawings can share a page.
        title: what the picture is, for people who do not see it.
        colours: colour in the document -> CSS value.
        width: least and largest width on the page in CSS pixels; 0 for no least.
        box: width and height of the drawing's own coordinates.
    """
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    used = {found for element in root.iter() for value in element.attrib.values() for found in _references(value)}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            name.rpartition("}")[2]: _attribute(name, value, prefix, colours)
            for name, value in element.attrib.items()
            if name != "id" or value in used
        }
        element.tail = None
        element.text = element.text if element.tag in _WRITTEN else None
    least = f"min-width:{width[0]}px;" if width[0] else ""
    root.attrib = {
        "class": "plot",
        "role": "img",
        "aria-label": title,
        "viewBox": f"0 0 {box[0]:g} {box[1]:g}",
        "style": f"{least}max-width:{width[1]}px",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _references(value: str) -> list[str]:
    return [anchor or url for anchor, url in re.findall(r"^#(.+)|url\(#(.+?)\)", value)]


def _attribute(name: str, value: str, prefix: str, colours: Mapping[str, str]) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in _COORDINATES:
        shorter = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
        return " ".join(shorter.split())
    value = re.sub(r"(^|url\()#(?=[A-Za-z])", rf"\1#{prefix}-", value)
    for colour, wanted in colours.items():
        value = value.replace(colour, wanted)
    return re.sub(r"font-family:[^;]*", "font-family: var(--sans)", value)
