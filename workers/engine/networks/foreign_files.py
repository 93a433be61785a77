"""What a file is that was given for weights or arrays and is none, told by its first bytes. Nothing of it is run."""

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

N_BYTES = 4096
# Beginnings of files, in small letters, and what such a file is.
BEGINNINGS = (
    (b"version https://git-lfs", "is a pointer of Git LFS in place of the file.\nFetch the file with `git lfs pull`."),
    (
        b"<",
        "is a web page (HTML or XML), as a download that fails or asks for a login gives.\nDownload the file again.",
    ),
    (b"\x89hdf", "is an HDF5 file, such as Keras writes."),
    (b"gguf", "is a GGUF file of quantized weights."),
    (b"\x93numpy", "is one array of numpy, which has no names of tensors."),
    (b"\x1f\x8b", "is packed with gzip.\nUnpack it, and give the file inside."),
)
# Files that tell what the folder is in which they lie.
FOLDERS = (
    (
        "zero_to_fp32.py",
        "is a checkpoint of DeepSpeed, in parts.\nMake one file of it: `python zero_to_fp32.py . OUT`, in that folder.",
    ),
    ("saved_model.pb", "is a network of TensorFlow."),
    ("_METADATA", "is a checkpoint of JAX (Orbax)."),
    ("_CHECKPOINT_METADATA", "is a checkpoint of JAX (Orbax)."),
)
WEIGHTS = (".safetensors", ".safetensors.index.json", ".pth", ".pt", ".bin", ".ckpt", ".pth.tar")
DAMAGED = "is a damaged safetensors file.\nFetch or save it again."
# What safetensors itself accepts.
MAX_HEADER_BYTES = 100_000_000
ARCHIVE = b"PK\x03\x04"
# Entries of a zip archive that tell what it is, by the end of their names.
ENTRIES = (
    (("archive_format", "exported_program.json", "models/model.json"), "is a program of torch.export."),
    ((".npy",), "is an archive of numpy's arrays (.npz)."),
    ((".h5",), "is a file of Keras."),
)
SAVE_AGAIN = "\nGive a .safetensors file, or what torch.save wrote of a state_dict()."
CUT_OFF = "is cut off: its download or saving broke off.\nFetch or save it again."
# torch.save wrote pickles of protocol 2, which begin with a number of its own.
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
OLD_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def find_foreign(files: Iterable[Path]) -> str:
    """Of the first file that is known to be of another kind, its name and what it is, with what to do on a second
    line; empty if all may be what their names say.
    """
    for file in files:
        if said := _say(file):
            return f"{file.name} {said}" if "\n" in said else f"{file.name} {said}{SAVE_AGAIN}"
    return ""


def _say(file: Path) -> str:
    if (file / ".metadata").is_file() or file.suffix == ".distcp":
        folder = file.parent if file.suffix == ".distcp" else file
        return (
            "is a checkpoint of many processes (torch.distributed.checkpoint), or a part of one.\nMake one file of it: "
            f"`python -m torch.distributed.checkpoint.format_utils dcp_to_torch {folder.name} FILE.pth`."
        )
    if file.is_dir():
        return _say_folder(file)
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            start = opened.read(N_BYTES)
    except OSError:
        return ""  # said by who reads it
    if not start:
        return "is empty."
    # Before the beginnings, which the length of a header may be like; no other file states one of this size.
    n_header = _find_header(start)
    if n_header is not None and n_header <= MAX_HEADER_BYTES:
        return _say_safetensors(file, n_header, size)
    plain = start.lstrip().lower()
    if found := next((what for beginning, what in BEGINNINGS if plain.startswith(beginning)), ""):
        return found
    # An ONNX model begins with its version and the name of the program that wrote it.
    if file.suffix.lower() == ".onnx" or (start[:1], start[2:3]) == (b"\x08", b"\x12"):
        return "is an ONNX model, whose layers have other names."
    if start.startswith(ARCHIVE):
        return _say_archive(file)
    if n_header is not None:
        return DAMAGED
    if start.startswith(PICKLES) and not start.startswith(OLD_PICKLE):
        return "is a pickle that torch.save did not write, and is not loaded because that could execute code."
    return "is no file of weights: neither torch.save nor safetensors wrote it." if start[:1] != b"\x80" else ""


def _say_folder(folder: Path) -> str:
    try:
        names = sorted(one.name for one in folder.iterdir())
    except OSError:
        return ""  # said by who reads it
    if found := next((what for name, what in FOLDERS if name in names), ""):
        return found
    weights = [name for name in names if name.lower().endswith(WEIGHTS)]
    which = f": {', '.join(weights[:4])}{', ...' if len(weights) > 4 else ''}" if weights else ""
    return f"is a folder.\nGive the file of weights that lies in it{which}."


def _say_archive(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return CUT_OFF
    if any(name.endswith("data.pkl") for name in names):
        return "was written by torch.save.\nGive it the ending .pth." if file.suffix.lower() == ".safetensors" else ""
    found = next((what for ends, what in ENTRIES if any(name.endswith(ends) for name in names)), "")
    return found or "is a zip archive, and none of torch.save."


def _find_header(start: bytes) -> int | None:
    """The length of the header, if the file begins like safetensors: with this length and a JSON object."""
    is_like = len(start) > 8 and start[8:9] == b"{"
    return int.from_bytes(start[:8], "little") if is_like else None


def _say_safetensors(file: Path, n_header: int, size: int) -> str:
    if size < 8 + n_header:
        return CUT_OFF
    try:
        with file.open("rb") as opened:
            opened.seek(8)
            header = json.loads(opened.read(n_header))
        ends = [one["data_offsets"][1] for name, one in header.items() if name != "__metadata__"]
        is_cut = size < 8 + n_header + max(ends, default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return DAMAGED
    if is_cut:
        return CUT_OFF
    return "" if file.suffix.lower() == ".safetensors" else "holds safetensors.\nGive it the ending .safetensors."
