"""Files of a job against a simple model: wherever it is killed, the finished lines are all there is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.bulk.files import Folder, patients, pieces, references

TYPES = st.sampled_from(["Patient", "Observation"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), TYPES, st.lists(st.binary(max_size=8), max_size=9)),
        st.tuples(st.just("sync"), st.just(""), st.just([])),
        st.tuples(st.just("kill"), st.just(""), st.just([])),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS, most=st.integers(1, 7))
def test_finished_lines_and_no_others(steps: list[tuple[str, str, list[bytes]]], most: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        folder = Folder(path, (), most)
        kept: list[tuple[str, bytes]] = []
        open_: list[tuple[str, bytes]] = []
        known: list[object] = []
        for what, type_name, lines in steps:
            if what == "write":
                clean = [line.replace(b"\n", b"") for line in lines]
                folder.write("output", type_name, clean)
                open_ += [(type_name, line) for line in clean]
            elif what == "sync":
                folder.sync()
                known = [msgspec.structs.replace(file) for file in folder.files.values()]
                kept += open_
                open_ = []
            else:
                folder.close()
                folder = Folder(path, known, most)  # type: ignore[arg-type]
                open_ = []
        folder.sync()
        kept += open_
        for type_name in ("Patient", "Observation"):
            files = [file for file in folder.files.values() if file.type == type_name]
            found = b"".join((path / file.name).read_bytes() for file in files)
            assert found == b"".join(line + b"\n" for of, line in kept if of == type_name)
            assert all(0 < file.lines <= most for file in files)
            assert [file.bytes for file in files] == [(path / file.name).stat().st_size for file in files]
        folder.close()


def test_whom_a_file_is_about(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(
        b'{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/a"}}\n'
        b'{"resourceType":"Observation","id":"p","subject": {"reference" : "Patient/b"},"performer":'
        b'[{"reference":"Practitioner/d"}]}\n'
    )
    assert patients(path, "Observation") == ["a", "b"]
    assert references(path, ["Practitioner", "Organization"]) == {("Practitioner", "d")}
    assert b"".join(pieces(path)) == path.read_bytes()
    path.write_bytes(b'{"resourceType":"Patient","id":"c","link":[{"other":{"reference":"Patient/e"}}]}\n')
    assert patients(path, "Patient") == ["c", "e"]
