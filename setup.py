"""The one step of the build that pyproject.toml cannot say: the package takes in the project's configurations."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithConfigurations(build_py):
    """Copies ``confs/`` into the package that is built; an editable install reads it where it is."""

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                Path(__file__).parent / "confs", Path(self.build_lib) / "patina" / "confs", dirs_exist_ok=True
            )


setup(cmdclass={"build_py": WithConfigurations})
