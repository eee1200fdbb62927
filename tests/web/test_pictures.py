"""Pictures at the page: the same pixels and answers as in Python and the function, and nothing leaves."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from handler.errors import RequestError
from handler.modalities import pictures
from handler.model import explain
from handler.model.predictor import Prediction, Predictor
from tests import bundles, endpoints
from tests.handler.modalities import bad_pictures
from tests.handler.modalities.bad_pictures import exif, file_of, gradient, png
from tests.web import chromium, subjects, visit
from tests.web.same import assert_same
from tests.web.subjects import Subject
from tests.web.test_access import PHONE, WIDER, faults

pytestmark = pytest.mark.container

KEY = "kumquat-4711"
ALIKE = 1e-5  # of a probability, of the same pixels
MOST_CHARACTERS_SHOWN = 2000

_DECODE = """async ([data, most]) => {
  const { InputError } = await import("./cells.js");
  const { decode } = await import("./pictures.js");
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  try {
    const { pixels, height, width } = await decode(bytes, "#204060", most);
    let text = "";
    for (let i = 0; i < pixels.length; i += 8192) text += String.fromCharCode(...pixels.subarray(i, i + 8192));
    return [height, width, btoa(text)];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}"""
_DROP = """([selector, kind, data, name]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  const where = document.querySelector(selector);
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: carried })
    : new DragEvent(kind, { ...options, dataTransfer: carried });
  return where.dispatchEvent(event);
}"""
_SEEN = """(id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, Array.from(data)];
}"""
_SECRET = b"GPS 48.1372 N 11.5755 E"  # a photograph may tell where it was taken


def noise(width: int = 203, height: int = 101) -> Image.Image:
    """Hard for any decoder to get right by chance."""
    random = np.random.default_rng(0)
    made = gradient(width, height).astype(int) + random.integers(-40, 40, (height, width, 3))
    return Image.fromarray(made.clip(0, 255).astype(np.uint8))


def photograph() -> bytes:
    """As a camera has it: lying on its side, with words in its EXIF."""
    side = Image.fromarray(np.tile(gradient(160, 120), (8, 8, 1)))
    return file_of(side, "JPEG", quality=90, exif=exif(6), comment=_SECRET)


def same_in_every_reader() -> Iterator[tuple[str, bytes]]:
    """Files of every format that a browser and Pillow read."""
    picture = noise()
    for subsampling in (0, 1, 2):
        for progressive in (False, True):
            name = f"JPEG, subsampling {subsampling}, {'progressive' if progressive else 'baseline'}"
            yield name, file_of(picture, "JPEG", subsampling=subsampling, progressive=progressive)
    yield "JPEG of CMYK", file_of(picture.convert("CMYK"), "JPEG")
    yield "JPEG of grey", file_of(picture.convert("L"), "JPEG")
    yield "JPEG of two pictures", file_of(picture, "MPO", save_all=True, append_images=[picture.rotate(180)])
    for kind in ("PNG", "WEBP", "AVIF", "GIF", "BMP"):
        yield kind, file_of(picture, kind)
    yield "lossless WebP", file_of(picture, "WEBP", lossless=True)
    yield "AVIF without subsampling", file_of(picture, "AVIF", subsampling="4:4:4")
    yield "AVIF of grey", file_of(picture.convert("L"), "AVIF")
    for mode in ("1", "L", "P"):
        yield f"PNG of mode {mode}", file_of(picture.convert(mode), "PNG")
        yield f"BMP of mode {mode}", file_of(picture.convert(mode), "BMP")
    others = [picture.rotate(angle) for angle in (90, 180)]
    for kind in ("GIF", "PNG", "WEBP"):
        yield f"animated {kind}", file_of(picture, kind, save_all=True, append_images=others)
    for profile in ("LAB", "sRGB"):
        icc = ImageCms.ImageCmsProfile(ImageCms.createProfile(profile)).tobytes()
        for kind in ("JPEG", "PNG", "WEBP"):
            yield f"{kind} with a profile of {profile}", file_of(picture, kind, icc_profile=icc)
    for orientation in range(1, 9):
        for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
            data = exif(orientation) if kind == "JPEG" else exif(orientation).removeprefix(b"Exif\0\0")
            yield f"{kind} turned by {orientation}", file_of(picture, kind, exif=data)
    yield "WebP turned by EXIF with its header", file_of(picture, "WEBP", exif=exif(6))
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    yield "JPEG turned by XMP alone", file_of(picture, "JPEG", xmp=xmp)
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(exif(6)):8}\n{exif(6).hex()}\n")
    yield "PNG turned by a text alone", file_of(picture, "PNG", pnginfo=text)
    yield "a large one, in strips", file_of(Image.fromarray(np.tile(gradient(), (40, 40, 1))), "JPEG")
    yield "the widest", file_of(Image.new("RGB", (32_767, 1), (1, 200, 30)), "PNG")


def transparent_or_deep() -> Iterator[tuple[str, bytes]]:
    """What a browser may round otherwise."""
    random = np.random.default_rng(1)
    picture = noise().convert("RGBA")
    picture.putalpha(Image.fromarray(random.integers(0, 256, (101, 203), dtype=np.uint8)))
    yield "PNG with transparency", file_of(picture, "PNG")
    yield "grey PNG with transparency", file_of(picture.convert("LA"), "PNG")
    yield "WebP with transparency", file_of(picture, "WEBP")
    yield "lossless WebP with transparency", file_of(picture, "WEBP", lossless=True, exact=True)
    few = noise().quantize(64)
    yield "GIF with a transparent colour", file_of(few, "GIF", transparency=3)
    yield "palette with transparency", file_of(few, "PNG", transparency=bytes(range(0, 256, 4)))
    for name, colours, channels in (("grey", 0, 1), ("grey, transparent", 4, 2), ("colour", 2, 3), ("all", 6, 4)):
        rows = random.integers(0, 65536, (101, 203, channels)).astype(">u2")
        yield (
            f"sixteen bits, {name}",
            png(203, 101, 16, colours, zlib.compress(b"".join(b"\0" + it.tobytes() for it in rows))),
        )


@pytest.fixture(scope="module")
def subject(playwright: Playwright, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A small graph, and the function behind the switch."""
    folder = tmp_path_factory.mktemp("picture")
    serving = bundles.image_serving()
    golden = [bundles.picture(), bundles.picture((30, 60, 200))]
    bundles.seal(folder, bundles.image_model(), serving, "tiny-image", golden)
    serve = endpoints.serve_for(f"http://127.0.0.1:{port}", tmp_path_factory.mktemp)
    with serve(folder, "web-picture") as endpoint:
        yield subjects.of(folder, tmp_path_factory.mktemp("site") / "page", endpoint)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, subject: Subject) -> Iterator[Browser]:
    assert subject.endpoint is not None
    with chromium.launched(playwright, [subject.endpoint.certificate]) as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(reduced_motion="reduce")
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext, home: str) -> Page:
    found = context.new_page()
    visit.enter(found, home)
    return found


def decoded(page: Page, data: bytes, most: int = 25_000_000) -> np.typing.NDArray[np.uint8] | str:
    """The page's pixels, or why it has none."""
    found = page.evaluate(_DECODE, [base64.b64encode(data).decode(), most])
    if isinstance(found, str):
        return found
    height, width, text = found
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3)


def answer_of(subject: Subject, data: bytes) -> Prediction:
    return subject.predict(pictures.decode(data, subject.predictor.serving.inputs[0].background))


def chosen(page: Page, data: bytes, name: str = "holiday.jpg", field: str = "#field-0") -> visit.Answer:
    before = visit.sequence(page)
    page.locator(field).set_input_files({"name": name, "mimeType": "", "buffer": data})
    return visit.answered(page, before)


def test_every_format_has_the_same_pixels_in_the_browser_as_in_python(page: Page) -> None:
    for name, data in same_in_every_reader():
        found = decoded(page, data)
        assert not isinstance(found, str), f"{name}: {found}"
        wanted = pictures.decode(data, "#204060")
        assert found.shape == wanted.shape and np.array_equal(found, wanted), name


def test_what_is_transparent_or_deep_is_at_most_a_level_apart(page: Page) -> None:
    for name, data in transparent_or_deep():
        found = decoded(page, data)
        assert not isinstance(found, str), f"{name}: {found}"
        assert np.abs(found.astype(int) - pictures.decode(data, "#204060")).max() <= 1, name


def test_what_the_function_refuses_gets_a_reason_and_what_it_answers_the_same_pixels(page: Page) -> None:
    for name, data, statuses in (*bad_pictures.bad(), *bad_pictures.odd()):
        found = decoded(page, data)
        if isinstance(found, str):
            assert found.endswith(".") and "never echoed" not in found, name
            assert statuses != {200} or "TIFF" in name or "AVIF" in name, f"{name}: {found}"
            continue
        try:
            wanted = pictures.decode(data, "#204060")
        except RequestError:  # it is too dear to unpack what stands beside its pixels
            assert any(chunk in name for chunk in ("iCCP", "zTXt", "iTXt")), name
        else:
            assert np.array_equal(found, wanted), name


def test_an_avif_that_browsers_show_in_other_colours_is_refused(page: Page) -> None:
    picture = noise()
    animated = file_of(picture, "AVIF", save_all=True, append_images=[picture.rotate(90)])
    clear = picture.convert("RGBA")
    clear.putalpha(128)
    assert "animated" in decoded(page, animated)
    assert "transparency" in decoded(page, file_of(clear, "AVIF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"])
def test_too_many_pixels_are_seen_in_the_header_before_anything_is_decoded(page: Page, kind: str) -> None:
    data = file_of(gradient(40, 30), kind)
    page.evaluate("() => { globalThis.createImageBitmap = () => Promise.reject(new Error('decoded')) }")
    assert "40 × 30 pixels, the limit is 1,199" in str(decoded(page, data, 1199))
    assert "cannot be decoded" in str(decoded(page, data, 1200))


def test_a_browser_that_changes_pixels_gets_no_answer(page: Page) -> None:
    page.evaluate(
        """() => {
          const read = CanvasRenderingContext2D.prototype.getImageData;
          CanvasRenderingContext2D.prototype.getImageData = function (...where) {
            const found = read.apply(this, where);
            found.data[8] ^= 1;
            return found;
          };
        }"""
    )
    assert "fingerprinting" in str(decoded(page, file_of(gradient(), "PNG")))


def test_a_photograph_is_answered_turned_and_explained_and_nothing_leaves(
    subject: Subject, playwright: Playwright, network_log: Path
) -> None:
    data = photograph()
    with subjects.open_at(subject) as address:
        with chromium.launched(playwright, network_log=network_log) as browser:
            page = browser.new_page()
            visit.enter(page, address)
            visit.kept(page)
            loaded = time.time() * 1000
            answers = [chosen(page, data)]
            left = time.time() * 1000
            page.context.set_offline(True)
            page.reload()
            visit.loaded(page)
            assert not page.locator("#result").is_visible() and not page.locator("#picture").is_visible()
            answers.append(chosen(page, data))
            height, width, _ = page.evaluate(_SEEN, "picture")
    assert_same([it.prediction for it in answers], [answer_of(subject, data)] * 2)
    for answer in answers:
        assert answer.prediction.scores == pytest.approx(answer_of(subject, data).scores, abs=ALIKE)
    assert height > width  # upright
    sent = chromium.sent(network_log, address.rstrip("/"))
    assert [it for it in sent if loaded <= it.at_ms <= left] == []
    assert {it.path for it in sent if it.at_ms > left} <= {"/sw.js"}
    assert {it.method for it in sent} == {"GET"}


def test_what_counted_is_what_the_function_counts_over_the_picture_that_the_model_sees(
    subject: Subject, page: Page
) -> None:
    data = photograph()
    found = chosen(page, data)
    predictor: Predictor = subject.predictor
    record = pictures.decode(data)
    [seen] = predictor.reduced([record])
    copies = explain.occlusions([seen], predictor.modality, predictor.serving.limits.max_explained)
    answers = predictor.predict([record, *(copy.record for copy in copies)])
    [wanted] = explain.contributions(answers, copies, 1)
    assert [(part["row"], part["column"]) for part in found.parts] == [(it["row"], it["column"]) for it in wanted]
    assert len(wanted) == 49
    contributions = [part["contribution"] for part in found.parts]
    assert contributions == pytest.approx([part["contribution"] for part in wanted], abs=ALIKE)
    height, width, pixels = page.evaluate(_SEEN, "seen")
    assert np.array_equal(np.reshape(pixels, (height, width, 4))[:, :, :3], seen)
    assert page.locator("#squares i").count() == 49
    strongest = max(wanted, key=lambda part: abs(part["contribution"]))
    place = f"row {strongest['row'] + 1}, column {strongest['column'] + 1}"
    assert place in (page.get_attribute("#heat", "aria-label") or "")
    assert place in page.locator("#strongest li").first.inner_text()


def test_a_picture_is_chosen_dropped_pasted_photographed_or_an_example(subject: Subject, page: Page) -> None:
    data = file_of(noise(), "PNG")
    wanted = answer_of(subject, data)
    packed = base64.b64encode(data).decode()
    ways: dict[str, Any] = {
        "chosen": lambda: page.locator("#field-0").set_input_files({"name": "a", "mimeType": "", "buffer": data}),
        "photographed": lambda: page.locator("#camera").set_input_files({"name": "a", "mimeType": "", "buffer": data}),
        "dropped": lambda: page.evaluate(_DROP, ["footer", "drop", packed, "a"]),
        "pasted": lambda: page.evaluate(_DROP, ["body", "paste", packed, "a"]),
    }
    for way, act in ways.items():
        before = visit.sequence(page)
        act()
        assert_same([visit.answered(page, before).prediction], [wanted])
        assert page.locator("#picture").is_visible(), way
        page.locator("#clear").click()
        page.locator("#result").wait_for(state="hidden")
        assert not page.locator("#picture").is_visible()
    before = visit.sequence(page)
    page.locator("#example").click()
    example = answer_of(subject, base64.b64decode(subject.examples[0]))
    assert_same([visit.answered(page, before).prediction], [example])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(80), "HEIC"),
        (b"Dear diary", "no picture"),
        (b"", "empty"),
        (photograph()[:3000], "cut off"),
        (png(30_000, 30_000, 8, 0, b""), "30,000 × 30,000 pixels, the limit is 25,000,000"),
        (file_of(gradient(), "TIFF"), "TIFF"),
    ],
    ids=["HEIC", "text", "nothing", "half", "bomb", "TIFF"],
)
def test_what_is_no_picture_gets_a_reason_and_takes_the_old_answer_away(page: Page, data: bytes, said: str) -> None:
    chosen(page, photograph())
    page.locator("#field-0").set_input_files({"name": "secret-name.jpg", "mimeType": "image/jpeg", "buffer": data})
    page.locator("#problem").wait_for(state="visible")
    assert said in page.locator("#problem").inner_text()
    assert "secret-name" not in page.locator("main").inner_text()
    page.locator("#result").wait_for(state="hidden")
    assert not page.locator("#picture").is_visible()
    assert page.get_attribute("#field-0", "aria-invalid") == "true"


def test_the_last_of_two_pictures_in_a_row_is_the_one_that_is_answered(subject: Subject, page: Page) -> None:
    red, blue = (base64.b64decode(bundles.picture(colour)) for colour in ((220, 10, 10), (10, 10, 220)))
    for first, last in ((red, blue), (blue, red)):
        page.evaluate(_DROP, ["body", "drop", base64.b64encode(first).decode(), "a"])
        page.evaluate(_DROP, ["body", "drop", base64.b64encode(last).decode(), "b"])
        page.wait_for_timeout(600)
        assert page.get_attribute("#result", "data-label") == answer_of(subject, last).label


def test_with_the_switch_on_the_files_bytes_go_once_with_their_type(subject: Subject, page: Page) -> None:
    data = photograph()
    here = chosen(page, data)
    page.locator("label[for=where-server]").click()
    page.locator("#key").fill(KEY)
    preview = page.locator("#preview")
    page.wait_for_timeout(200)
    shown = preview.inner_text()
    assert "content-type: image/jpeg" in shown and f"{len(data):,} bytes" in shown and "place" in shown
    assert KEY not in shown and len(shown) < MOST_CHARACTERS_SHOWN
    before = visit.sequence(page)
    with page.expect_request(lambda request: request.method == "POST") as caught:
        page.locator("#send").click()
    there = visit.answered(page, before)
    request = caught.value
    assert request.all_headers()["content-type"] == "image/jpeg"
    assert request.all_headers()["x-api-key"] == KEY
    assert request.url.endswith("/predict?explain=true")
    assert "holiday" not in json.dumps(request.all_headers()) + request.url
    assert there.where == "server"
    assert_same([there.prediction, here.prediction], [answer_of(subject, data)] * 2)
    assert [part["contribution"] for part in there.parts] == pytest.approx(
        [part["contribution"] for part in here.parts], abs=1e-4
    )
    assert page.locator("#squares i").count() == 49


def test_axe_finds_nothing_in_any_state_of_a_page_of_pictures(page: Page) -> None:
    assert faults(page) == []
    chosen(page, photograph())
    page.locator("#others summary").click()
    assert faults(page) == []
    page.locator("label[for=where-server]").click()
    page.wait_for_timeout(200)
    assert faults(page) == []
    page.locator("label[for=where-browser]").click()
    page.locator("#field-0").set_input_files({"name": "a", "mimeType": "", "buffer": b"no picture"})
    page.locator("#problem").wait_for(state="visible")
    assert faults(page) == []


def test_a_picture_is_chosen_by_keyboard_and_spoken(subject: Subject, page: Page) -> None:
    # Listening from the start: the browser has to be told before it opens one.
    photo: Any = {"name": "a", "mimeType": "", "buffer": photograph()}
    page.on("filechooser", lambda chooser: chooser.set_files(photo))
    page.keyboard.press("Tab")
    for _ in range(10):
        if page.evaluate("document.activeElement.id") == "field-0":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "field-0"
    page.keyboard.press("Enter")
    answer = visit.answered(page, 0)
    page.wait_for_timeout(1200)
    assert answer.prediction.label in page.locator("#spoken").inner_text()
    assert page.get_attribute("#picture", "aria-label") == "Your picture, 960 × 1,280 pixels"


def test_on_a_phone_a_picture_and_its_map_fit_and_a_photograph_can_be_taken(browser: Browser, home: str) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)  # type: ignore[arg-type]
    page = context.new_page()
    visit.enter(page, home)
    chosen(page, file_of(Image.new("RGB", (3000, 20), (200, 30, 30)), "PNG"))
    assert page.evaluate(WIDER) == [0, []]
    chosen(page, photograph())
    assert page.evaluate(WIDER) == [0, []]
    assert page.locator("#camera").is_visible()
    assert page.get_attribute("#camera", "capture") == "environment"
    context.close()


def test_the_policy_is_no_wider_for_pictures(page: Page) -> None:
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert "img-src 'self';" in policy and "blob:" not in policy and "data:" not in policy
