package import Market

/// Which files of the archive cover a range, and what is left to ask the venue for.
package struct ArchivePlan: Hashable, Sendable {
  /// Oldest first, without overlap. The first may begin before the range and the last may end after it.
  package let files: [ArchiveFile]
  /// Behind the files: the last two days, which the archive may not have yet.
  package let rest: Range<Timestamp>?

  /// Whole months that were published come as one file, other days one by one.
  ///
  /// A day's file appears the day after, a month's on the first Monday of the next; each is given a day more.
  package init(
    _ range: Range<Timestamp>, of symbol: Symbol, _ content: ArchiveFile.Content, now: Timestamp,
    branch: ArchiveFile.Branch = .spot
  ) {
    let lastDay = now.day - 2
    var files: [ArchiveFile] = []
    var day = max(range.lowerBound.day, Self.firstDay)
    while !range.isEmpty, day <= lastDay, Timestamp(day: day) < range.upperBound {
      let date = CivilDate(day: day)
      let isMonth =
        date.day == 1 && range.lowerBound <= Timestamp(day: day)
        && Timestamp(day: date.firstOfNextMonth) <= range.upperBound && now.day > Self.publishing(of: date)
      files.append(ArchiveFile(symbol, content, isMonth ? .month(date) : .day(date), branch: branch))
      day = isMonth ? date.firstOfNextMonth : day + 1
    }
    self.files = files
    let start = max(range.lowerBound, Timestamp(day: day))
    rest = start < range.upperBound ? start..<range.upperBound : nil
  }

  /// 2017-07-01, in days since 1970: the venue is younger.
  private static let firstDay: Int64 = 17_348

  /// The first Monday after a month, in days since 1970, which began on a Thursday.
  private static func publishing(of month: CivilDate) -> Int64 {
    let first = month.firstOfNextMonth
    let weekday = (first + 3) % 7
    return first + (7 - weekday) % 7
  }
}
