"""The few SVG parts that all pictures share."""

from xml.sax.saxutils import escape, quoteattr

SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono','DejaVu Sans Mono',monospace"


def element(name, content="", **attributes):
    """An element. `class_` becomes `class`, and `stroke_width` becomes `stroke-width`."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    start = name + "".join(f" {key}={quoteattr(shown(value))}" for key, value in pairs)
    return f"<{start}>{content}</{name}>" if content else f"<{start}/>"


def shown(value):
    """A number without noise, or a text as it is."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text(x, y, content, class_="", **attributes):
    if class_:
        attributes["class_"] = class_
    return element("text", escape(content), x=x, y=y, **attributes)


def box(x, y, width, height, class_, radius=8):
    return element("rect", x=x, y=y, width=width, height=height, rx=radius, class_=class_)


def picture(width, height, title, description, style, parts):
    """A whole SVG on a card of its own, so that any page background will do."""
    head = [
        element("title", escape(title), id="title"),
        element("desc", escape(description), id="desc"),
        element("style", escape(style)),
        box(1, 1, width - 2, height - 2, "card", 12),
    ]
    return element(
        "svg", "\n" + "\n".join(head + parts) + "\n", xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}", width=width, height=height, role="img",
        aria_labelledby="title desc",
    ) + "\n"
