//! Files as any tool or hand may have written them, for the properties of the tests.

/// A file of these fields of one object: with CRLF, as an item of a list, or behind another object.
pub(super) fn file(fields: &[String], [crlf, item, other]: [bool; 3]) -> String {
    let mut text = fields.concat();
    if item {
        let lines = text.lines().map(|line| format!("  {line}").trim_end().to_owned());
        let lines = lines.collect::<Vec<_>>().join("\n");
        text = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n", lines.trim_start());
    }
    if other {
        text = format!("# ä\nkind: Pod\napiVersion: v1\n---\n{text}# end");
    }
    if crlf { text.replace('\n', "\r\n") } else { text }
}
