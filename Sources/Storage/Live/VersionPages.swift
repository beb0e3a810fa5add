import Market

/// The newest stored versions of the minutes that were looked at last, kept a page at a time: a live feed asks for the
/// same hours again and again.
struct VersionPages {
  static let minutesAPage: Int64 = 120
  private static let kept = 4

  private struct Page {
    let number: Int64
    var versions: [Version?] = Array(repeating: nil, count: Int(minutesAPage))
  }

  struct Version {
    let candle: Candle
    let revision: Int32
    let knownAt: Timestamp
  }

  /// The one used last comes last.
  private var pages: [Page] = []

  /// - Parameter load: reads the newest versions of a range.
  mutating func newest(
    at time: Timestamp, load: (Range<Timestamp>) throws(StoreError) -> [Version]
  ) throws(StoreError) -> Version? {
    let number = time.minute.flooredQuotient(Self.minutesAPage)
    if let index = pages.lastIndex(where: { $0.number == number }) {
      if index != pages.count - 1 { pages.append(pages.remove(at: index)) }
    } else {
      let start = Timestamp(minute: number * Self.minutesAPage)
      var page = Page(number: number)
      for version in try load(start..<start.adding(minutes: Int(Self.minutesAPage))) {
        page.versions[Self.place(of: version.candle.openTime)] = version
      }
      pages.append(page)
    }
    return pages[pages.count - 1].versions[Self.place(of: time)]
  }

  /// Notes a version of the minute that `newest` was asked for last.
  mutating func note(_ version: Version) {
    pages[pages.count - 1].versions[Self.place(of: version.candle.openTime)] = version
  }

  /// Forgets all but a few pages; what has not been written yet would be forgotten with them.
  mutating func trim() { pages.removeFirst(max(0, pages.count - Self.kept)) }

  private static func place(of time: Timestamp) -> Int {
    Int(time.minute - time.minute.flooredQuotient(minutesAPage) * minutesAPage)
  }
}
