"""What a file is, told by its first bytes, and what to do with one that is no photo.

The signatures are those of each format's specification; Wikipedia's "List of file signatures"
has them together.
"""

from __future__ import annotations

import re

from facecore.imaging import heif
from facecore.wording import Text

HEAD_BYTES = 4096
"""So many bytes of a file tell what it is."""

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "HEIC", "GIF")
"""What is read here."""

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")
"""A file named so is taken for a photo without a look at it."""

MORE_PHOTO_SUFFIXES = (".jfif", ".jfi", ".jpe", ".jif", ".gif", ".heic", ".heif", ".hif", ".dib")
"""One named so is taken for a photo, too, where its content tells nothing."""

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
"""One named so is taken for a video where its content tells nothing."""

MP4, MATROSKA, AVI = "mov", "matroska", "avi"
"""The containers of videos that are read, by FFmpeg's names; WebM is a kind of Matroska."""

_CONTAINERS = {
    MP4: rb"\0...(ftyp|moov|wide)|....mdat",
    MATROSKA: rb"\x1a\x45\xdf\xa3",
    AVI: rb"RIFF....AVI ",
}
_RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc"),
    *(".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl"),
    *(".sr2", ".srf", ".srw", ".x3f"),
)
_SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "RAW": rb"II\*\0....CR|IIRO|IIRS|MMOR|IIU\0|FUJIFILMCCD-RAW|FOVb|\0MRM|....ftypcrx ",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL \r\n",
    "JPEG 2000": rb"\0\0\0\x0cjP  \r\n|\xff\x4f\xff\x51",
    "PDF": rb".{0,1000}%PDF-",
    "SVG": rb"\s*(<\?xml.{0,2000}|<!--.{0,2000}|<!DOCTYPE svg.{0,500})?<svg[\s>]",
    "web page": rb"\s*<(!doctype html|html)",
    "PSD": rb"8BPS\0[\x01\x02]",
    "EPS": rb"%!PS|\xc5\xd0\xd3\xc6",
    "icon": rb"\0\0[\x01\x02]\0[\x01-\x40]\0",
    "GIMP": rb"gimp xcf",
    "OpenEXR": rb"\x76\x2f\x31\x01",
    "HDR": rb"#\?R(ADIANC|GB)E",
    "PNM": rb"P[1-7]\s+[\d#W]",
    "DICOM": rb".{128}DICM",
    "video": b"|".join([*_CONTAINERS.values(), rb"\0\0\x01[\xb3\xba]|FLV\x01"]),
    "ZIP": rb"PK(\x03\x04|\x05\x06)",
    "archive": rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x1f\x8b\x08|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd",
    "Mac's companion": rb"\0\x05\x16\x07\0\x02\0\0",
}
_SIGNATURE = re.compile(
    b"|".join(
        b"(?P<k%d>%b)" % (place, pattern) for place, pattern in enumerate(_SIGNATURES.values())
    ),
    re.DOTALL | re.IGNORECASE,
)
_KINDS = tuple(_SIGNATURES)

_IN_WORDS = Text("JPEG, PNG, WebP, BMP, TIFF, AVIF, HEIC or GIF")
_SAVE = Text("save it as JPEG or PNG")
_WHAT_TO_DO = {
    "HEIC": Text(
        "This is a HEIC photo, and pi-heif, which reads these, is not installed: "
        "pip install pi-heif, or {save}.",
        save=_SAVE,
    ),
    "PDF": Text("This is a PDF, not a photo: save its pages as JPEG or PNG and use those."),
    "SVG": Text("This is an SVG drawing, which has no pixels: {save}.", save=_SAVE),
    "PSD": Text("This is a Photoshop file (PSD): {save}.", save=_SAVE),
    "RAW": Text(
        "This is a camera's raw file (RAW): develop it to a JPEG, or use the one "
        "that the camera made beside it."
    ),
    Text("video"): Text(
        "This is a video, not a photo: stop it where it matters and {save}, or "
        "give an MP4, MOV, WebM, MKV or AVI to Batch or `facecore analyze`.",
        save=_SAVE,
    ),
    Text("web page"): Text("This is a web page, not a photo: save the photo itself."),
    "ZIP": Text(
        "This is a ZIP file, not a photo: unpack it, or give it to Batch or "
        "`facecore analyze` by itself."
    ),
    Text("archive"): Text("This is an archive, not a photo: unpack it first."),
    Text("Mac's companion"): Text(
        "This is what a Mac keeps beside a photo, not the photo: use the file "
        "without ._ in front of its name."
    ),
}


def kind_of(head: bytes) -> str:
    """Return what a file is, by its first `HEAD_BYTES`: "JPEG", "PDF" …; "" for the unknown."""
    if head[4:8] == b"ftyp" and (kind := heif.kind_by_brands(head)):
        return kind
    found = _SIGNATURE.match(head)
    return _KINDS[int((found.lastgroup or "k0")[1:])] if found else ""


def container_of(head: bytes) -> str:
    """Return which of the containers of videos a file is, by its first `HEAD_BYTES`; "" for none.

    A playlist and whatever else leads to other files is none.
    """
    if kind_of(head) != "video":
        return ""
    return next((c for c, one in _CONTAINERS.items() if re.match(one, head, re.DOTALL)), "")


def is_read(kind: str) -> bool:
    """Return whether photos of this kind are read here."""
    return kind in PHOTO_FORMATS and (kind != "HEIC" or heif.is_there())


def is_known(kind: str) -> bool:
    """Return whether a kind is one that `kind_of` tells; a suffix is none."""
    return kind in _KINDS or kind == "HEIC"


def is_raw(suffix: str) -> bool:
    """Return whether cameras name their raw files so; most of these begin like a TIFF."""
    return suffix.lower() in _RAW_SUFFIXES


def what_to_do(kind: str) -> str:
    """Return the sentence about a file that is not read: what it is, and what to do."""
    if not kind:
        return Text("This is not a picture that can be read: use {formats}.", formats=_IN_WORDS)
    if is_read(kind):
        return Text(
            "This {kind} is damaged, or of a kind that is not read: {save} again.",
            kind=kind,
            save=_SAVE,
        )
    if kind in _WHAT_TO_DO:
        return _WHAT_TO_DO[kind]
    named = {"kind": Text(kind), "save": _SAVE}
    if kind[0] in "AEIO":
        return Text("This is an {kind} file, which is not read: {save}.", **named)
    return Text("This is a {kind} file, which is not read: {save}.", **named)
