extension Timestamp {
  /// ISO 8601 in UTC with as many fraction digits as needed: none, three or six.
  package var description: String {
    let civil = CivilDate(day: day)
    let remainder = microseconds % Self.microsecondsPerDay
    let inDay = remainder < 0 ? remainder + Self.microsecondsPerDay : remainder
    let seconds = inDay / 1_000_000
    let fraction = inDay % 1_000_000
    let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }.joined(separator: ":")
    let tail = fraction == 0 ? "" : fraction % 1000 == 0 ? "." + padded(fraction / 1000, 3) : "." + padded(fraction, 6)
    return "\(civil)T\(clock)\(tail)Z"
  }

  /// Reads ISO 8601 (`2024-03-01`, `2024-03-01T12:30Z`, `2024-03-01T12:30:05.123+02:00`) or Unix milliseconds.
  ///
  /// A time without an offset is UTC. `nil` for anything else, for dates that do not exist, and for years outside 1970…2200.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    if !bytes.isEmpty, bytes.allSatisfy(\.isDigit), bytes.count >= 10 {
      guard let milliseconds = Int64(text), milliseconds < Self.latestMilliseconds else { return nil }
      self.init(milliseconds: milliseconds)
      return
    }
    var scanner = TextScanner(bytes)
    guard let year = scanner.number(digits: 4), scanner.skip("-"),
      let month = scanner.number(digits: 2), scanner.skip("-"), let dayOfMonth = scanner.number(digits: 2),
      let date = CivilDate(year: year, month: month, day: dayOfMonth), (1970...2200).contains(year)
    else { return nil }
    var result = date.dayNumber * Self.microsecondsPerDay
    if !scanner.isAtEnd {
      guard scanner.skip("T") || scanner.skip(" "), let clock = scanner.clockMicroseconds(),
        let offset = scanner.offsetMicroseconds(), scanner.isAtEnd
      else { return nil }
      result += clock - offset
    }
    self.init(microseconds: result)
  }

  private static let latestMilliseconds: Int64 = 7_289_568_000_000
}

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: CustomStringConvertible, Hashable, Sendable {
  package let year: Int
  package let month: Int
  package let day: Int

  package init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1, day <= Self.length(of: month, in: year) else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// The date of a day counted from 1970-01-01 (algorithm of Howard Hinnant, `civil_from_days`).
  package init(day number: Int64) {
    let shifted = number + 719_468
    let era = shifted.flooredQuotient(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01.
  package var dayNumber: Int64 {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let era = shiftedYear.flooredQuotient(400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  package var description: String { "\(padded(Int64(year), 4))-\(padded(Int64(month), 2))-\(padded(Int64(day), 2))" }

  private static func length(of month: Int, in year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

private func padded(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension UInt8 {
  package var isDigit: Bool { self >= 48 && self <= 57 }
}

private struct TextScanner {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func number(digits: Int) -> Int? {
    guard position + digits <= bytes.count else { return nil }
    let slice = bytes[position..<position + digits]
    guard slice.allSatisfy(\.isDigit) else { return nil }
    position += digits
    return slice.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  mutating func clockMicroseconds() -> Int64? {
    guard let hour = number(digits: 2), hour < 24, skip(":"), let minute = number(digits: 2), minute < 60 else {
      return nil
    }
    var total = Int64(hour * 60 + minute) * Timestamp.microsecondsPerMinute
    guard skip(":") else { return total }
    guard let second = number(digits: 2), second < 60 else { return nil }
    total += Int64(second) * 1_000_000
    guard skip(".") else { return total }
    guard let fraction = fractionMicroseconds() else { return nil }
    return total + fraction
  }

  private mutating func fractionMicroseconds() -> Int64? {
    var unit: Int64 = 100_000
    var total: Int64 = 0
    let start = position
    while position < bytes.count, bytes[position].isDigit, unit > 0 {
      total += Int64(bytes[position] - 48) * unit
      unit /= 10
      position += 1
    }
    return position > start ? total : nil
  }

  mutating func offsetMicroseconds() -> Int64? {
    if isAtEnd || skip("Z") { return 0 }
    let sign: Int64
    if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
    guard let hours = number(digits: 2), hours <= 14 else { return nil }
    _ = skip(":")
    guard let minutes = number(digits: 2), minutes < 60 else { return nil }
    return sign * Int64(hours * 60 + minutes) * Timestamp.microsecondsPerMinute
  }
}
