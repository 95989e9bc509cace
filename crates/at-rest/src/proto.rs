//! Reads messages of protobuf, of which only a few fields matter. Nothing is copied.

/// The bytes are not a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of four or eight bytes. No message that is read here has one.
    Fixed,
}

/// The fields of a message, with their numbers, in the order in which they were written. Nothing
/// follows an error.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = varint(&mut self.rest)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut self.rest)?),
            1 => self.skip(8)?,
            2 => {
                let size = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(size)?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => self.skip(4)?,
            _ => return None,
        };
        Some((tag >> 3, field)).filter(|(number, _)| *number > 0)
    }

    fn skip(&mut self, size: usize) -> Option<Field<'a>> {
        self.rest = self.rest.get(size..)?;
        Some(Field::Fixed)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

/// Reads the start of a field with bytes, if it is the first field and has this number. Returns
/// its size and all that follows, which may be less or more than the field.
pub(crate) fn start(message: &[u8], number: u64) -> Option<(usize, &[u8])> {
    let mut rest = message;
    let tag = varint(&mut rest)?;
    let size = usize::try_from(varint(&mut rest)?).ok()?;
    (tag == (number << 3 | 2)).then_some((size, rest))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &[u8]) -> Vec<Result<(u64, Field<'_>), Malformed>> {
        Fields::new(message).collect()
    }

    #[test]
    fn each_type_of_field_is_read() {
        let message = b"\x08\x96\x01\x12\x03abc\x1d1234\x2112345678";
        let expected = [
            (1, Field::Number(150)),
            (2, Field::Bytes(b"abc")),
            (3, Field::Fixed),
            (4, Field::Fixed),
        ];
        assert_eq!(fields(message), expected.map(Ok));
    }

    #[test]
    fn what_is_not_a_message_is_malformed() {
        let too_long = [b"\x08".as_slice(), &[0xff; 9], b"\x02"].concat();
        let messages: [&[u8]; 8] = [
            b"\x08",
            b"\x12\x04abc",
            b"\x1d123",
            b"\x211234567",
            b"\x0b",
            b"\x00\x01",
            &too_long,
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ];
        for message in messages {
            assert_eq!(fields(message), [Err(Malformed)], "{message:?}");
        }
    }

    #[test]
    fn the_largest_number_has_ten_bytes() {
        let message = [b"\x08".as_slice(), &[0xff; 9], b"\x01"].concat();
        assert_eq!(fields(&message), [Ok((1, Field::Number(u64::MAX)))]);
    }

    #[test]
    fn the_start_of_a_field_may_be_all_there_is() {
        assert_eq!(start(b"\x12\x80\x01abc", 2), Some((128, &b"abc"[..])));
        assert_eq!(start(b"\x12\x01abc", 2), Some((1, &b"abc"[..])));
        assert_eq!(start(b"\x12\x01abc", 1), None);
        assert_eq!(start(b"\x10\x01abc", 2), None);
        assert_eq!(start(b"\x12\x80", 2), None);
    }
}
