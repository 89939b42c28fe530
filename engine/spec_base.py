"""What all specs share: canonical form, identity, dictionaries and JSON in and out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, Self

from engine.checks import unknown_keys
from engine.errors import SpecError

# Part of every identity: raised when the meaning of a spec (not its spelling) changes, so that old runs are not reused.
SPEC_VERSION = 1


class Spec:
    """Shared by the specs: canonical form, identity, dictionaries in and out."""

    # Fields that name or file a spec but do not change what is measured.
    _outside_identity: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers, in field order; values that are None are left out (TOML has no null)."""
        return {name: value for name, value in _plain(dataclasses.asdict(self)).items() if value is not None}  # type: ignore[call-overload]

    def identity(self) -> str:
        """Sixteen hexadecimal digits that two specs share exactly when they ask for the same measurements."""
        content = {name: value for name, value in self.to_dict().items() if name not in self._outside_identity}
        canonical = json.dumps([type(self).__name__, SPEC_VERSION, content], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a spec from plain values.

        Raises:
            SpecError: a key is unknown (near matches are named), a type is wrong or a value is out of range.
        """
        if not isinstance(values, dict):
            raise SpecError(f"{cls.__name__} wants a table of keys and values, and was given {values!r}.")
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        unknown_keys(cls.__name__, values, [f.name for f in fields])
        needed = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
        if missing := [name for name in needed if name not in values]:
            raise SpecError(f"{cls.__name__} needs {', '.join(missing)}.")
        return cls(**values)

    def to_json(self) -> str:
        """The spec as indented JSON."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_json(cls, source: str) -> Self:
        """Build a spec from JSON text. Raises SpecError, also where the text is not JSON."""
        try:
            values = json.loads(source)
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and endless brackets
            raise SpecError(f"This is not JSON: {error}.") from error
        return cls.from_dict(values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
