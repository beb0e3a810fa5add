#pragma once
#include <libwebsockets.h>

static inline uint64_t candlecast_lws_plain_options(void) {
  return LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
}

static inline uint64_t candlecast_lws_tls_options(void) { return LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT; }

static inline uint64_t candlecast_lws_no_ipv6_option(void) { return LWS_SERVER_OPTION_DISABLE_IPV6; }

static inline int candlecast_lws_errors_and_warnings(void) { return LLL_ERR | LLL_WARN; }

/// A clock of a context: libwebsockets keeps the address of its entry.
typedef struct {
  lws_sorted_usec_list_t entry;
  void *owner;
} candlecast_lws_tick;
