//! A safe interface to the events of libyaml.

#![expect(unsafe_code, reason = "libyaml has the interface of C")]
#![expect(clippy::unsafe_removed_from_name, reason = "the crate is named after it")]

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use unsafe_libyaml as sys;

use super::{ErrorKind, Mark, Style, TreeError};

/// How many bytes libyaml gets at once.
///
/// libyaml checks all of them before it parses the first. With small chunks, an invalid character
/// does not affect the text far before it.
const CHUNK: usize = 128;

/// An event of libyaml.
pub(super) enum Event {
    /// A document begins.
    Document,
    /// A scalar.
    Scalar { text: String, style: Style, props: Props },
    /// A sequence begins.
    Sequence(Props),
    /// A mapping begins.
    Mapping(Props),
    /// A sequence, a mapping or a document ends.
    End,
    /// `*name`
    Alias(String),
    /// The text ends.
    Done,
    /// An event that does not matter here.
    Other,
}

/// The form of an event.
pub(super) enum Form {
    /// A sequence or a mapping begins.
    Opens,
    /// A sequence or a mapping ends.
    Closes,
    /// A tag or an alias is in it: what it means is not only a matter of form.
    Special,
    /// The text ends.
    Done,
    /// Any other event.
    Other,
}

/// The properties that can precede a node.
pub(super) struct Props {
    pub(super) anchor: Option<String>,
    pub(super) tag: Option<Box<str>>,
}

/// The events of a text.
pub(super) struct Events<'a> {
    text: &'a str,
    // Both are on the heap, because libyaml keeps pointers to them. Only this type owns them.
    parser: *mut sys::yaml_parser_t,
    rest: *mut &'a [u8],
    has_failed: bool,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let rest = Box::into_raw(Box::new(text.as_bytes()));
        let parser = Box::into_raw(Box::new(MaybeUninit::<sys::yaml_parser_t>::uninit())).cast();
        // SAFETY: `parser` points to memory of the right size, and `initialize` fills it.
        // The data of the handler is `rest`, which lives as long as the parser.
        unsafe {
            assert!(sys::yaml_parser_initialize(parser).ok, "libyaml has memory");
            sys::yaml_parser_set_encoding(parser, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input(parser, read, rest.cast());
        }
        Self { text, parser, rest, has_failed: false }
    }

    /// Returns the next event, with its start and its end.
    pub(super) fn next(&mut self) -> Result<(Event, Mark, Mark), TreeError> {
        if self.has_failed {
            return Ok((Event::Done, Mark::default(), Mark::default()));
        }
        self.advance(|event| {
            // SAFETY: libyaml has filled the event.
            let converted = unsafe { convert(event) };
            (converted, mark(event.start_mark), mark(event.end_mark))
        })
    }

    /// Returns the form of the next event, without its text.
    pub(super) fn next_form(&mut self) -> Result<Form, TreeError> {
        // SAFETY: libyaml has filled the event.
        self.advance(|event| unsafe { form(event) })
    }

    /// Lets libyaml read the next event. It must not have failed before.
    fn advance<T>(
        &mut self,
        convert: impl FnOnce(&sys::yaml_event_t) -> T,
    ) -> Result<T, TreeError> {
        let mut event = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: The parser is initialised and has not failed. On success, it has filled the
        // event, which is read once and then deleted.
        unsafe {
            if !sys::yaml_parser_parse(self.parser, event.as_mut_ptr()).ok {
                self.has_failed = true;
                return Err(self.error());
            }
            let event = event.as_mut_ptr();
            let converted = convert(&*event);
            sys::yaml_event_delete(event);
            Ok(converted)
        }
    }

    fn error(&self) -> TreeError {
        // SAFETY: The parser is initialised. These fields are plain numbers.
        let (error, at, offset) = unsafe {
            let parser = &*self.parser;
            (parser.error, parser.problem_mark, parser.problem_offset)
        };
        let at = match error {
            sys::YAML_READER_ERROR => Mark::of(self.text, as_usize(offset)),
            _ => mark(at),
        };
        TreeError { kind: ErrorKind::Syntax, line: at.line, column: at.column }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: Both come from `Box::into_raw` in `new`, and only this frees them. libyaml frees
        // the memory inside the parser first.
        unsafe {
            sys::yaml_parser_delete(self.parser);
            drop(Box::from_raw(self.parser.cast::<MaybeUninit<sys::yaml_parser_t>>()));
            drop(Box::from_raw(self.rest));
        }
    }
}

/// Gives the next bytes to libyaml.
///
/// # Safety
/// `data` must point to the slice of `Events`, and `buffer` to `size` bytes.
unsafe fn read(data: *mut c_void, buffer: *mut u8, size: u64, size_read: *mut u64) -> i32 {
    // SAFETY: The caller promises it. At most `size` bytes are copied.
    unsafe {
        let rest = &mut *data.cast::<&[u8]>();
        let (now, later) = rest.split_at(rest.len().min(as_usize(size)).min(CHUNK));
        ptr::copy_nonoverlapping(now.as_ptr(), buffer, now.len());
        *size_read = now.len() as u64;
        *rest = later;
    }
    1
}

/// # Safety
/// libyaml must have filled the event.
unsafe fn convert(event: &sys::yaml_event_t) -> Event {
    // SAFETY: The type says which field of the union is set. The strings of libyaml end with a NUL.
    // The value of a scalar has the length in the field `length`.
    unsafe {
        match event.type_ {
            sys::YAML_DOCUMENT_START_EVENT => Event::Document,
            sys::YAML_SCALAR_EVENT => {
                let scalar = event.data.scalar;
                let value = slice::from_raw_parts(scalar.value, as_usize(scalar.length));
                Event::Scalar {
                    text: String::from_utf8_lossy(value).into_owned(),
                    style: match scalar.style {
                        sys::YAML_PLAIN_SCALAR_STYLE => Style::Plain,
                        sys::YAML_SINGLE_QUOTED_SCALAR_STYLE => Style::SingleQuoted,
                        sys::YAML_LITERAL_SCALAR_STYLE => Style::Literal,
                        sys::YAML_FOLDED_SCALAR_STYLE => Style::Folded,
                        _ => Style::DoubleQuoted,
                    },
                    props: props(scalar.anchor, scalar.tag),
                }
            }
            sys::YAML_SEQUENCE_START_EVENT => {
                let sequence = event.data.sequence_start;
                Event::Sequence(props(sequence.anchor, sequence.tag))
            }
            sys::YAML_MAPPING_START_EVENT => {
                let mapping = event.data.mapping_start;
                Event::Mapping(props(mapping.anchor, mapping.tag))
            }
            sys::YAML_ALIAS_EVENT => {
                Event::Alias(string(event.data.alias.anchor).unwrap_or_default())
            }
            sys::YAML_SEQUENCE_END_EVENT
            | sys::YAML_MAPPING_END_EVENT
            | sys::YAML_DOCUMENT_END_EVENT => Event::End,
            // After the end of the stream, libyaml returns no event.
            sys::YAML_STREAM_END_EVENT | sys::YAML_NO_EVENT => Event::Done,
            _ => Event::Other,
        }
    }
}

/// # Safety
/// libyaml must have filled the event.
unsafe fn form(event: &sys::yaml_event_t) -> Form {
    // SAFETY: The type says which field of the union is set.
    unsafe {
        let tag = match event.type_ {
            sys::YAML_SCALAR_EVENT => event.data.scalar.tag,
            sys::YAML_SEQUENCE_START_EVENT => event.data.sequence_start.tag,
            sys::YAML_MAPPING_START_EVENT => event.data.mapping_start.tag,
            _ => ptr::null_mut(),
        };
        match event.type_ {
            sys::YAML_ALIAS_EVENT => Form::Special,
            _ if !tag.is_null() => Form::Special,
            sys::YAML_SEQUENCE_START_EVENT | sys::YAML_MAPPING_START_EVENT => Form::Opens,
            sys::YAML_SEQUENCE_END_EVENT | sys::YAML_MAPPING_END_EVENT => Form::Closes,
            sys::YAML_STREAM_END_EVENT | sys::YAML_NO_EVENT => Form::Done,
            _ => Form::Other,
        }
    }
}

/// # Safety
/// Each pointer must be null or point to a string that ends with a NUL.
unsafe fn props(anchor: *const u8, tag: *const u8) -> Props {
    // SAFETY: The caller promises it.
    unsafe { Props { anchor: string(anchor), tag: string(tag).map(String::into_boxed_str) } }
}

/// # Safety
/// The pointer must be null or point to a string that ends with a NUL.
unsafe fn string(text: *const u8) -> Option<String> {
    // SAFETY: The caller promises it.
    let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text.cast()) })?;
    Some(text.to_string_lossy().into_owned())
}

fn mark(mark: sys::yaml_mark_t) -> Mark {
    let one_based = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    Mark { index: as_usize(mark.index), line: one_based(mark.line), column: one_based(mark.column) }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
