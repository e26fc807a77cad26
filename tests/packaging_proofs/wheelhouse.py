"""
What is built of this library, and where is it installed as a user would?

The first environment is filled once, with the wheel alone; each of the others is fresh and sees that one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """
    Run *command* with nothing of this process's Python around it, and return what it prints.
    """
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "COV", "HYPOTHESIS", "VIRTUAL_ENV"))
    }
    answer = subprocess.run(  # noqa: S603 - programs of ours, named in tests
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        env=keep,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert 0 == answer.returncode, answer.stdout
    return answer.stdout


def pip(*arguments: str | Path, cwd: Path) -> str:
    """
    Run this environment's pip; with ``--python`` it works on another one.
    """
    return run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments),
        cwd=cwd,
    )


@frozen
class Environment:
    """
    A virtual environment without pip.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """
        Its interpreter.
        """
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """
        Where its packages lie.
        """
        (found,) = self.folder.glob("lib/python3*/site-packages")
        return found

    def install(self, *what: str | Path) -> None:
        """
        Install into it.
        """
        pip("--python", self.python, "install", "-q", "--no-compile", *what, cwd=self.folder)

    def tell(self, program: str) -> str:
        """
        Run *program* in it, with every warning an error, and return what it prints.
        """
        return run(self.python, "-W", "error", "-c", program, cwd=self.folder)


@frozen
class Wheelhouse:
    """
    A folder with what was built, and the environments made of it.
    """

    folder: Path

    @property
    def wheel(self) -> Path:
        """
        The wheel, as `build` makes it: out of the source archive.
        """
        (found,) = (self.folder / "dist").glob("*.whl")
        return found

    @property
    def archive(self) -> Path:
        """
        The source archive.
        """
        (found,) = (self.folder / "dist").glob("*.tar.gz")
        return found

    def with_extra(self, *extras: str) -> str:
        """
        Return what pip is told to install the wheel with *extras*.
        """
        return f"issuing-disburse[{','.join(extras)}] @ {self.wheel.as_uri()}"

    def base(self) -> Environment:
        """
        Make an environment with the wheel alone, if there is none yet.
        """
        environment = Environment(self.folder / "base")
        if not environment.folder.exists():
            self._make(environment)
            environment.install(self.wheel)
        return environment

    def _make(self, environment: Environment) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", environment.folder, cwd=self.folder)

    def fresh(self, name: str) -> Environment:
        """
        Make another one that sees what the first one has, as if it were installed here.
        """
        environment, base = Environment(self.folder / name), self.base()
        self._make(environment)
        (environment.packages / "base.pth").write_text(f"{base.packages}\n", encoding="utf-8")
        return environment


@contextmanager
def built(*options: str) -> Iterator[Wheelhouse]:
    """
    Build into a folder that is gone afterwards.
    """
    with TemporaryDirectory() as folder:
        wheelhouse = Wheelhouse(Path(folder))
        run(
            *(sys.executable, "-m", "build", "--no-isolation", *options),
            *("--outdir", wheelhouse.folder / "dist", ROOT),
            cwd=wheelhouse.folder,
        )
        yield wheelhouse
