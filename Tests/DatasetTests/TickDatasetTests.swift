import Features
import Glibc
import Market
import TestSupport
import Testing

@testable import Dataset

struct TickDatasetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: A plain reading, moment by moment

  /// What had come before a moment since trades were last missed.
  private func trades(_ tape: MadeTape, before moment: Timestamp) -> [Trade]? {
    var trades: [Trade]?
    for (time, event) in tape.events where time < moment {
      guard case .tick(let event) = event else { continue }
      switch event {
      case .tradesBegin: trades = []
      case .interrupted: trades = nil
      case .trade(_, let trade): trades?.append(trade)
      default: break
      }
    }
    return trades
  }

  private func last(_ trades: [Trade]) -> Double? {
    trades.max { ($0.time, $0.id) < ($1.time, $1.id) }?.price.doubleValue
  }

  private func label(_ tape: MadeTape, at moment: Timestamp) -> Double? {
    let end = moment.adding(microseconds: 60_000_000)
    let proof = tape.events.first { time, event in
      guard time >= end, case .tick(let event) = event else { return false }
      if case .quote = event { return false }
      return true
    }
    guard let proof, case .tick(.trade) = proof.event else { return nil }
    let isTorn = tape.events.contains { time, event in
      guard time >= moment, time < end, case .tick(let event) = event else { return false }
      switch event {
      case .tradesBegin, .interrupted: return true
      default: return false
      }
    }
    guard !isTorn, let now = trades(tape, before: moment).flatMap(last),
      let then = trades(tape, before: end).flatMap(last)
    else { return nil }
    return 10_000 * log(then / now)
  }

  @Test(arguments: 0..<4)
  func `rows and labels are those of a plain reading of the tape`(seed: UInt64) throws {
    let tape = MadeTape(seed: seed, minutes: 25)
    let dataset = try tape.dataset(in: folder)
    #expect(dataset.rowCount > 200 && dataset.header.incomplete > 0)
    #expect(dataset.header.points == dataset.rowCount + dataset.header.incomplete)
    var unlabelled = 0
    for row in 0..<dataset.rowCount {
      let time = dataset.time(row)
      let expected = label(tape, at: time)
      if expected == nil { unlabelled += 1 }
      #expect(expected.map { abs($0 - dataset.labels[row]) < 1e-9 } ?? dataset.labels[row].isNaN)
      let inputs = Array(dataset.inputs[row * 12..<(row + 1) * 12])
      let seen = try #require(trades(tape, before: time))
      let window = seen.filter { $0.time > time.adding(microseconds: -60_000_000) }
      let volume = window.reduce(0) { $0 + $1.quantity.doubleValue }
      let paid = window.reduce(0) { $0 + $1.quantity.doubleValue * $1.price.doubleValue }
      let closes = tape.events.compactMap { time, event -> Double? in
        guard time <= dataset.time(row), case .minute(let candle) = event,
          candle.openTime.minute < dataset.time(row).minute, candle.openTime.minute >= dataset.time(row).minute - 60
        else { return nil }
        return candle.close
      }
      let mean = closes.reduce(0, +) / 60
      #expect(closes.count == 60)
      #expect(abs(Double(inputs[0]) - log(try #require(last(seen)) / mean)) < 1e-6)
      #expect(abs(Double(inputs[3]) - log(paid / volume / mean)) < 1e-6)
      #expect(abs(Double(inputs[4]) - volume) < 1e-4)
      #expect(abs(Double(inputs[6]) - Double(window.count) / 60) < 1e-6)
    }
    #expect(dataset.header.unlabelled == unlabelled && unlabelled > 0)
  }

  // MARK: No look ahead

  @Test(arguments: 0..<6) func `what comes later changes nothing of the rows before it`(seed: UInt64) throws {
    let tape = MadeTape(seed: seed, minutes: 30, interruptions: 0)
    let cut = MadeTape.start.adding(minutes: 20)
    var random = SplitMix64(seed: seed)
    var other = tape
    let later = tape.events.indices.filter { tape.events[$0].time >= cut }
    for (place, from) in zip(later, later.shuffled(using: &random)) {
      other.events[place].event = tape.events[from].event
    }
    let (honest, shuffled) = (try tape.dataset(in: folder), try other.dataset(in: try TemporaryFolder()))
    let rows = (0..<honest.rowCount).filter { honest.time($0) <= cut }
    #expect(rows.count > 300)
    for row in rows {
      #expect(honest.time(row) == shuffled.time(row))
      #expect(honest.inputs[row * 12..<(row + 1) * 12].elementsEqual(shuffled.inputs[row * 12..<(row + 1) * 12]))
      guard honest.time(row) <= cut.adding(microseconds: -60_000_000) else { continue }
      #expect(honest.labels[row] == shuffled.labels[row] || shuffled.labels[row].isNaN)
    }
    // The last labels do change, or this would show nothing.
    #expect(rows.contains { honest.labels[$0] != shuffled.labels[$0] })
  }

  @Test func `the tape cut short gives the rows it gave before`() throws {
    let tape = MadeTape(seed: 9, minutes: 20, interruptions: 0)
    var short = tape
    short.events.removeAll { $0.time >= MadeTape.start.adding(minutes: 12) }
    let (whole, part) = (try tape.dataset(in: folder), try short.dataset(in: try TemporaryFolder()))
    #expect(part.rowCount > 100)
    for row in 0..<part.rowCount {
      #expect(part.time(row) == whole.time(row))
      #expect(part.inputs[row * 12..<(row + 1) * 12].elementsEqual(whole.inputs[row * 12..<(row + 1) * 12]))
      #expect(part.labels[row].isNaN || part.labels[row] == whole.labels[row])
    }
  }

  // MARK: Certainty

  private func trade(_ id: Int64, _ seconds: Double, _ price: Int128) -> TickEvent {
    .trade(
      MadeTape.series,
      Trade(
        id: id, time: MadeTape.start.adding(microseconds: Int64(seconds * 1e6)),
        price: Decimal8(units: price * 100_000_000)!, quantity: Decimal8(units: 1)!, isTakerBuyer: true))
  }

  private func at(_ seconds: Double) -> Timestamp { MadeTape.start.adding(microseconds: Int64(seconds * 1e6)) }

  @Test func `a move is certain when the next trade follows, and not when one was missed`() {
    for isTorn in [false, true] {
      var moves = MoveLabels(MadeTape.series, horizonSeconds: 60)
      _ = moves.take(.tradesBegin(MadeTape.series, at: at(0)))
      _ = moves.take(trade(1, 0, 100))
      moves.follow(row: 7, price: 100, from: at(1.5))
      moves.advance(to: at(50))
      #expect(moves.take(trade(2, 50, 102)).isEmpty)
      moves.advance(to: at(63))
      if isTorn { #expect(moves.take(.tradesBegin(MadeTape.series, at: at(63))).isEmpty) }
      let certain = moves.take(trade(3, 63, 200))
      #expect(certain == (isTorn ? [] : [MoveLabels.Move(row: 7, basisPoints: 10_000 * log(1.02))]))
    }
  }

  @Test func `trades of another series say nothing`() {
    var moves = MoveLabels(Series(.binance, Symbol("ETHUSDT")!), horizonSeconds: 60)
    _ = moves.take(.tradesBegin(MadeTape.series, at: at(0)))
    _ = moves.take(trade(1, 0, 100))
    moves.follow(row: 0, price: 100, from: at(1.5))
    moves.advance(to: at(70))
    #expect(moves.take(trade(2, 70, 101)).isEmpty)
  }

  @Test func `a range holds the points of its time`() throws {
    let tape = MadeTape(seed: 3, minutes: 12, interruptions: 0)
    let range = MadeTape.start.adding(minutes: 7)..<MadeTape.start.adding(minutes: 9)
    let dataset = try tape.dataset(in: folder, range)
    #expect(dataset.rowCount > 50)
    #expect((0..<dataset.rowCount).allSatisfy { range.contains(dataset.time($0)) })
  }

  // MARK: Files

  @Test func `the same tape gives the same bytes, and a changed one is found`() throws {
    let tape = MadeTape(seed: 4, minutes: 10)
    let path = folder.path + "/a"
    let digest = try tape.build().write(to: path)
    #expect(try tape.build().write(to: folder.path + "/b") == digest)
    #expect(try TickDataset(path: path).digest == digest)
    let file = fopen(path, "r+")
    fseek(file, 500, SEEK_SET)
    fputc(1, file)
    fclose(file)
    #expect(throws: DatasetError.self) { try TickDataset(path: path) }
    #expect(throws: DatasetError.notADataset(path: folder.path + "/b")) { try Dataset(path: folder.path + "/b") }
  }

  @Test func `what was missing is counted by name`() throws {
    let header = try MadeTape(seed: 5, minutes: 10).dataset(in: folder).header
    #expect(header.missing["price_change_5m", default: 0] > 0)
    #expect(abs(header.hours - Double(header.points) * 1.5 / 3600) < 1e-12)
  }
}
