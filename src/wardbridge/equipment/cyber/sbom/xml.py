"""CycloneDX XML as the value that the same document in JSON would be; namespaces 1.0 to 1.7.

Entities, DTDs and the network are off: a document with a DOCTYPE is refused.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber.sbom.limits import DEPTH

_NAMESPACE = re.compile(r"\{http://cyclonedx\.org/schema/bom/(\d+\.\d+)\}")
_LISTS = {
    "components": None, "services": None, "hashes": None, "licenses": None, "externalReferences": None,
    "properties": None, "dependencies": None, "vulnerabilities": None, "ratings": None, "affects": None,
    "versions": None, "cwes": None, "responses": "response", "references": None, "advisories": None, "authors": None,
    "lifecycles": None, "commits": None, "patches": None, "ancestors": None, "descendants": None, "variants": None,
    "endpoints": None, "compositions": None, "assemblies": None, "tags": None, "annotations": None, "notes": None,
    "identities": None, "occurrences": None, "attributions": None,
}  # fmt: skip
"""Element -> its name in JSON where that is another one; its children are the items."""
_NUMBERS = frozenset({"score", "cwe"})


def parse(sent: bytes) -> dict[str, Any]:
    """The document as JSON would have it. Raises Invalid where it is no well-formed CycloneDX XML."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(sent, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(f"this is no well-formed XML: {error.msg}", f"line {error.lineno}") from error
    if root.getroottree().docinfo.doctype:
        raise Invalid("a document with a DOCTYPE is not read", "DOCTYPE")
    found = _NAMESPACE.match(str(root.tag))
    if found is None or etree.QName(root).localname != "bom":
        raise Invalid("this XML is no CycloneDX: its root is not a bom of a CycloneDX namespace", str(root.tag)[:80])
    out = _table(root, 0)
    out |= {"bomFormat": "CycloneDX", "specVersion": found[1]}
    if "version" in out:
        out["version"] = int(out["version"]) if str(out["version"]).isdigit() else 1
    return out


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _table(element: Any, depth: int) -> dict[str, Any]:
    if depth > DEPTH * 3:
        raise Invalid("the document is nested too deeply", _name(element))
    out: dict[str, Any] = {str(etree.QName(key).localname): value for key, value in element.attrib.items()}
    for child in element:
        name = _name(child)
        value = _value(child, name, depth + 1)
        name = _LISTS.get(name) or name
        if name in out and isinstance(out[name], list) and isinstance(value, list):
            out[name] += value
        elif name in out and name not in element.attrib:
            out[name] = [*(out[name] if isinstance(out[name], list) else [out[name]]), value]
        else:
            out[name] = value
    return out


def _value(element: Any, name: str, depth: int) -> Any:
    if name in _LISTS:
        return [_item(child, name, depth) for child in element]
    if name == "tools" and len(element) and _name(element[0]) == "tool":
        return [_item(child, name, depth) for child in element]
    if len(element) == 0 and not element.attrib:
        return _text(element, name)
    out = _table(element, depth)
    if len(element) == 0 and _text(element):
        out["content"] = _text(element)
    return out


def _text(element: Any, name: str = "") -> Any:
    sent = (element.text or "").strip()
    if name in _NUMBERS:
        try:
            return float(sent) if name == "score" else int(sent)
        except ValueError:
            return sent
    return sent


def _item(element: Any, within: str, depth: int) -> Any:
    name = _name(element)
    match name:
        case "hash":
            return {"alg": element.get("alg", ""), "content": _text(element)}
        case "property":
            return {"name": element.get("name", ""), "value": _text(element)}
        case "license":
            return {"license": _table(element, depth)}
        case "expression":
            return {"expression": _text(element)}
        case "dependency":
            inner = [child.get("ref", "") for child in element if _name(child) == "dependency"]
            return {"ref": element.get("ref", ""), **({"dependsOn": inner} if inner else {})}
    if len(element) == 0 and not element.attrib:
        return _text(element, name)
    return _table(element, depth)
