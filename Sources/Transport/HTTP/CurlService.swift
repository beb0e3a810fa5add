internal import CCurl
import Glibc
internal import Platform
import Synchronization

/// One thread that drives every transfer of one multi handle.
final class CurlService: Sendable {
  private struct Mail: ~Copyable {
    var started: [CurlTransfer] = []
    var cancelled: [CurlTransfer] = []
    /// Transfers that another thread gave something to do.
    var called: [CurlTransfer] = []
    var isStopped = false
  }

  private let mail = Mutex(Mail())
  // libcurl allows other threads one call on it, `curl_multi_wakeup`; all others come from the service thread.
  nonisolated(unsafe) private let multi: UnsafeMutableRawPointer

  init(maxConnections: Int) throws(TransportError) {
    Curl.start()
    guard let multi = curl_multi_init() else { throw .cannotStart(reason: "curl_multi_init fails") }
    self.multi = multi
    _ = candlecast_curl_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, maxConnections)
    _ = candlecast_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, maxConnections)
    do throws(DedicatedThread.CannotStart) {
      try DedicatedThread.start { self.run() }
    } catch {
      throw .cannotStart(reason: error.description)
    }
  }

  deinit { curl_multi_cleanup(multi) }

  /// On a stopped service it is cancelled at once.
  func start(_ transfer: CurlTransfer) {
    let isStopped = mail.withLock { mail in
      if !mail.isStopped { mail.started.append(transfer) }
      return mail.isStopped
    }
    if isStopped { return transfer.cancelled() }
    curl_multi_wakeup(multi)
  }

  func cancel(_ transfer: CurlTransfer) { post { $0.cancelled.append(transfer) } }
  func call(_ transfer: CurlTransfer) { post { $0.called.append(transfer) } }

  /// Ends the thread; what is under way is cancelled.
  func stop() { post { $0.isStopped = true } }

  private func post(_ change: (inout Mail) -> Void) {
    mail.withLock { change(&$0) }
    curl_multi_wakeup(multi)
  }

  private func run() {
    var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    while true {
      let now = SystemClock.monotonicNanoseconds()
      let (started, cancelled, called, isStopped) = mail.withLock { mail in
        defer { mail = Mail(isStopped: mail.isStopped) }
        return (mail.started, mail.cancelled, mail.called, mail.isStopped)
      }
      for transfer in started { begin(transfer, &transfers) }
      for transfer in cancelled { remove(transfer, &transfers) }
      for transfer in called where transfers[transfer.easy.pointer] != nil {
        if !transfer.advance(at: now) { finish(transfer, &transfers) }
      }
      if isStopped { break }
      perform(&transfers)
      poll(&transfers)
    }
    for transfer in Array(transfers.values) { remove(transfer, &transfers) }
  }

  private func begin(_ transfer: CurlTransfer, _ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    transfers[transfer.easy.pointer] = transfer
    guard curl_multi_add_handle(multi, transfer.easy.pointer) == CURLM_OK else {
      transfers[transfer.easy.pointer] = nil
      return transfer.cancelled()
    }
  }

  private func remove(_ transfer: CurlTransfer, _ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    guard transfers[transfer.easy.pointer] != nil else { return }
    finish(transfer, &transfers)
    transfer.cancelled()
  }

  private func finish(_ transfer: CurlTransfer, _ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    transfers[transfer.easy.pointer] = nil
    curl_multi_remove_handle(multi, transfer.easy.pointer)
  }

  private func perform(_ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    var running: Int32 = 0
    curl_multi_perform(multi, &running)
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left)?.pointee {
      guard message.msg == CURLMSG_DONE, let easy = message.easy_handle, let transfer = transfers[easy] else {
        continue
      }
      if !transfer.completed(message.data.result) { finish(transfer, &transfers) }
    }
  }

  private func poll(_ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]) {
    let polled = transfers.values.filter { $0.interest != nil }
    var sockets = polled.map { transfer in
      curl_waitfd(fd: transfer.interest?.socket ?? -1, events: transfer.interest?.events ?? 0, revents: 0)
    }
    var ready: Int32 = 0
    curl_multi_poll(multi, &sockets, UInt32(sockets.count), patience(transfers), &ready)
    let now = SystemClock.monotonicNanoseconds()
    for (socket, transfer) in zip(sockets, polled) where socket.revents != 0 {
      if !transfer.advance(at: now) { finish(transfer, &transfers) }
    }
    for transfer in Array(transfers.values) {
      guard let deadline = transfer.deadline, deadline <= now else { continue }
      if !transfer.advance(at: now) { finish(transfer, &transfers) }
    }
  }

  /// Milliseconds to the next deadline; libcurl knows its own.
  private func patience(_ transfers: [UnsafeMutableRawPointer: CurlTransfer]) -> Int32 {
    let longest: Int64 = 60_000
    guard let deadline = transfers.values.lazy.compactMap(\.deadline).min() else { return Int32(longest) }
    let left = (deadline - SystemClock.monotonicNanoseconds()) / 1_000_000 + 1
    return Int32(min(max(left, 0), longest))
  }
}
