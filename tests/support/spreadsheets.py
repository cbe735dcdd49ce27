"""Spreadsheets made by hand, sound or hostile."""

import io
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def relations(*related: tuple[str, str]) -> str:
    """(kind, target) of each."""
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(related)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'
    )


def xlsx(**parts: str) -> bytes:
    """A workbook of one sheet of two rows, with some of its parts (`sheet`, `styles`, `texts`, `workbook`) replaced."""
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>request</t></is></c></row><row r="2"><c r="A2"><v>5</v></c></row>'
    whole = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/_rels/workbook.xml.rels": relations(
            ("worksheet", "sheet.xml"), ("styles", "styles.xml"), ("sharedStrings", "texts.xml")
        ),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="a" r:id="r0"/></sheets>'
        "</workbook>",
        "xl/sheet.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"/>',
        "xl/texts.xml": f'<sst xmlns="{MAIN}"/>',
    }
    whole |= {f"xl/{name}.xml": part for name, part in parts.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in whole.items():
            archive.writestr(name, part)
    return file.getvalue()
