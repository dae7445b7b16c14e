"""A manufacturer's letter: the PDF as it came (Binary, DocumentReference), what it concerns as typed by a person."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.advisories import codes, digest, ranges, read, resources
from wardbridge.equipment.advisories.store import documents as store
from wardbridge.equipment.advisories.values import AFFECTED, Document, Product
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

MOST = 20 << 20
_PDF = b"%PDF-"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What a person reads off a letter. ``models``, ``lots``, ``serials``, ``di`` as lists or ranges in words."""

    publisher: str
    title: str
    number: str = ""
    product: str = ""
    version: str = ""
    models: str = ""
    lots: str = ""
    serials: str = ""
    di: str = ""
    remedy: str = ""
    published: int | None = None
    hazard: bool = False


def document(letter: Letter, mark: str) -> Document:
    """The letter as a document. ``mark``, the digest of its file, tells letters without a number apart.

    Raises Invalid.
    """
    if not letter.publisher.strip() or not letter.title.strip():
        raise Invalid(
            "a letter has a manufacturer and a title", "publisher" if not letter.publisher.strip() else "title"
        )
    if not any((letter.product.strip(), letter.models.strip(), letter.di.strip())):
        raise Invalid("name the product, its catalogue number or its UDI-DI", "product")
    text = "; ".join(
        f"{label}: {value.strip()}"
        for label, value in (("Lot", letter.lots), ("Serial numbers", letter.serials), ("UDI-DI", letter.di),
                             ("Catalog number", letter.models)) if value.strip()
    )  # fmt: skip
    found = codes.read(text)
    if not found.complete:
        raise Invalid(f"these codes could not be placed: {', '.join(found.others)}", "lots")
    every = not (found.lists_lots or found.lists_serials)
    number = letter.number.strip() or mark[:12]
    version = letter.version.strip()
    product = Product(
        product_id="1", vendor=letter.publisher.strip(), product=letter.product.strip() or letter.title.strip(),
        version=version, range=ranges.parse(version), codes=msgspec.structs.replace(found, every=every), di=found.di,
        models=found.models, status={"": AFFECTED}, remedy=letter.remedy.strip(),
    )  # fmt: skip
    kind = "hazard" if letter.hazard else "letter"
    return Document(
        advisory_id=f"{kind}-{read.slug(letter.publisher)}-{read.slug(number)}", kind=kind, source="letter",
        number=number,
        publisher=letter.publisher.strip(), title=letter.title.strip(), remedy=letter.remedy.strip(),
        published=letter.published, updated=letter.published, severity="", products=(product,),
        raw=msgspec.json.encode(letter),
    )  # fmt: skip


async def add(shop: Shop, conn: Connection, letter: Letter, file: tuple[str, bytes] | None, by: Principal) -> str:
    """Put a letter into the register of advisories; gives its id. Raises Invalid, also for a file that is no PDF."""
    if file is not None and (not file[1].startswith(_PDF) or len(file[1]) > MOST):
        raise Invalid(f"the letter is a PDF of at most {MOST >> 20} MiB", "file")
    mark = digest.of(file[1] if file is not None else msgspec.json.encode(letter))
    found = document(letter, mark)
    at = shop.clock.now()
    row = (found, digest.of(found.raw + mark.encode()))
    await store.put(conn, [row], at)
    await store.keep(conn, [row], at)
    stored = await store.one(conn, found.advisory_id)
    assert stored is not None
    attachment = None
    if file is not None:
        binary, attachment = resources.letter(f"letter-{mark[:40]}", file[1], "application/pdf", found.title)
        if await shop.record.current(conn, "Binary", binary["id"]) is None:
            await shop.record.put(conn, [binary])
    await shop.record.put(conn, [resources.document(stored, attachment)])
    return found.advisory_id


async def file(shop: Shop, advisory_id: str) -> tuple[str, bytes]:
    """Media type and bytes of the letter behind an advisory. Raises NotFound where there is none."""
    async with shop.pool.acquire() as conn:
        document = await shop.record.current(conn, "DocumentReference", resources.document_id(advisory_id))
        url = str(document["content"][0]["attachment"].get("url", "")) if document else ""
        binary = await shop.record.current(conn, "Binary", url.removeprefix("Binary/")) if "Binary/" in url else None
    if binary is None:
        raise NotFound("there is no letter behind this advisory", advisory_id)
    return resources.content(binary)
