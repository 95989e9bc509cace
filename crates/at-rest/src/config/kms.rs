//! A KMS plugin in the configuration.

use super::finding::{Finding, Findings, shown};
use super::read::{Fields, Reported};
use super::yaml::Node;

/// A KMS v2 plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kms {
    /// The name, which kube-apiserver stores with each object. It can never change.
    pub name: String,
    /// The socket, such as `unix:///run/envcrypt/kms.sock`.
    pub endpoint: String,
    /// The time that one call may take, such as `3s`. That is the default, too.
    pub timeout: Option<String>,
}

/// Reads a KMS plugin. Reports what kube-apiserver refuses.
pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<Kms> {
    let names = ["apiVersion", "name", "cachesize", "endpoint", "timeout"];
    let fields = Fields::read(node, "`kms`", &names, findings).ok()?;
    let is_v2 = api_version(&fields, findings);
    cache_size(&fields, is_v2, findings);
    let name = name(&fields, findings);
    let endpoint = endpoint(&fields, findings);
    let timeout = timeout(&fields, findings);
    let (Ok(name), Ok(endpoint), Ok(timeout)) = (name, endpoint, timeout) else { return None };
    Some(Kms { name, endpoint, timeout })
}

fn api_version(fields: &Fields<'_>, findings: &mut Findings) -> bool {
    let Ok(version) = fields.text("apiVersion", findings) else { return false };
    let text = match version.value {
        "v2" => return true,
        "" => "a KMS plugin without `apiVersion` is v1, which is disabled since Kubernetes 1.29",
        "v1" => "KMS v1 is disabled since Kubernetes 1.29",
        _ => "the `apiVersion` of a KMS plugin must be `v2`",
    };
    let hint = "write `apiVersion: v2`, and use a plugin that supports KMS v2";
    findings.push(Finding::error(version.line, "kms-api-version", text).with_hint(hint));
    false
}

fn cache_size(fields: &Fields<'_>, is_v2: bool, findings: &mut Findings) {
    let Some(entry) = fields.get("cachesize") else { return };
    if is_v2 {
        let finding = Finding::error(entry.line(), "kms-cachesize", "KMS v2 has no `cachesize`");
        findings.push(finding.with_hint("remove `cachesize`"));
    }
}

fn name(fields: &Fields<'_>, findings: &mut Findings) -> Result<String, Reported> {
    let name = fields.text("name", findings)?;
    if name.is_empty() {
        findings.error(name.line, "kms-name", "the KMS plugin has no name");
    }
    if name.contains(':') {
        let text = format!("the KMS plugin {} must not have a `:` in its name", shown(&name));
        findings.error(name.line, "kms-name", text);
    }
    Ok(name.value.to_owned())
}

fn endpoint(fields: &Fields<'_>, findings: &mut Findings) -> Result<String, Reported> {
    let endpoint = fields.text("endpoint", findings)?;
    let hint = "write it as `unix:///run/envcrypt/kms.sock`";
    let finding = match form(&endpoint) {
        Form::Socket => return Ok(endpoint.value.to_owned()),
        Form::Abstract => {
            let text = "an abstract socket has no permissions: any process on the node can be the \
                        plugin, or use it";
            Finding::warning(endpoint.line, "kms-endpoint-abstract", text)
        }
        Form::Odd => {
            let text = "the endpoint has no absolute path, so kube-apiserver will not find it";
            Finding::warning(endpoint.line, "kms-endpoint-path", text)
        }
        Form::Refused => {
            let text = "the endpoint must have the form `unix:///PATH`";
            Finding::error(endpoint.line, "kms-endpoint", text)
        }
    };
    findings.push(finding.with_hint(hint));
    Ok(endpoint.value.to_owned())
}

fn timeout(fields: &Fields<'_>, findings: &mut Findings) -> Result<Option<String>, Reported> {
    if fields.get("timeout").is_none() {
        return Ok(None);
    }
    let timeout = fields.text("timeout", findings)?;
    if nanoseconds(&timeout).is_none_or(|time| time <= 0) {
        let text = "the timeout must be a time above zero";
        let finding = Finding::error(timeout.line, "kms-timeout", text);
        findings.push(finding.with_hint("write a number with a unit, such as `3s` or `500ms`"));
    }
    Ok(Some(timeout.value.to_owned()))
}

/// The form of an endpoint.
#[derive(Debug, PartialEq)]
enum Form {
    /// The absolute path of a socket.
    Socket,
    /// A name that is not in the file system.
    Abstract,
    /// kube-apiserver accepts it, but cannot connect to what it means.
    Odd,
    /// kube-apiserver refuses it.
    Refused,
}

fn form(endpoint: &str) -> Form {
    let (main, fragment) = endpoint.split_once('#').unwrap_or((endpoint, ""));
    let Some((scheme, rest)) = main.split_once(':') else { return Form::Refused };
    if !scheme.eq_ignore_ascii_case("unix")
        || endpoint.contains(|c: char| c.is_ascii_control())
        || !has_valid_escapes(fragment)
    {
        return Form::Refused;
    }
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    // Only a path that begins with `/` is unescaped.
    let is_valid = !path.starts_with('/') || has_valid_escapes(path);
    match (is_valid && is_host(host), path) {
        (false, _) => Form::Refused,
        (true, path) if host.is_empty() && path.starts_with("/@") => Form::Abstract,
        (true, path) if host.is_empty() && path.len() > 1 && path.starts_with('/') => Form::Socket,
        (true, _) => Form::Odd,
    }
}

fn has_valid_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        rest.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether Go accepts a host. This refuses escapes and brackets, although Go accepts some.
fn is_host(host: &str) -> bool {
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    let is_one_of = |c: char, more: &str| !c.is_ascii() || c.is_alphanumeric() || more.contains(c);
    let port = host.rfind(':').map_or("", |at| &host[at + 1..]);
    user.chars().all(|c| c.is_ascii() && is_one_of(c, "-._:~!$&'()*+,;="))
        && host.chars().all(|c| is_one_of(c, "-_.~!$&'()*+,;=:<>\""))
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a duration as Go does. Returns nanoseconds, if they fit into 64 bits.
fn nanoseconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: u128 = 0;
    loop {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        sum = sum.checked_add(part(number, unit)?)?;
        rest = tail;
        if rest.is_empty() {
            return i64::try_from(sum).ok().map(|sum| sign * sum);
        }
    }
}

fn part(number: &str, unit: &str) -> Option<u128> {
    let unit: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
    let whole = u128::from(digits(whole)?) * unit;
    // Digits beyond the nanosecond do not matter.
    let fraction = fraction.get(..fraction.len().min(18))?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(whole + u128::from(digits(fraction)?) * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_path_of_a_socket() {
        for (endpoint, expected) in [
            ("unix:///run/kms.sock", Form::Socket),
            ("UNIX:///run/kms.sock", Form::Socket),
            ("unix:/run/kms.sock", Form::Socket),
            ("unix:///@kms", Form::Abstract),
            ("unix://run/kms.sock", Form::Odd),
            ("unix:run/kms.sock", Form::Odd),
            ("unix:///", Form::Odd),
            ("unix://", Form::Odd),
            ("", Form::Refused),
            ("/run/kms.sock", Form::Refused),
            ("tcp:///run/kms.sock", Form::Refused),
            ("unix:///run/%zz", Form::Refused),
            ("unix://a b/c", Form::Refused),
            ("unix://a:b/c", Form::Refused),
        ] {
            assert_eq!(form(endpoint), expected, "{endpoint}");
        }
    }

    #[test]
    fn a_duration_is_read_as_go_does() {
        for (text, expected) in [
            ("3s", Some(3_000_000_000)),
            ("1m0.5s", Some(60_500_000_000)),
            ("-.5ms", Some(-500_000)),
            ("0", Some(0)),
            ("0.1ns", Some(0)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("2562048h", None),
            ("3", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("3 s", None),
            ("1d", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
