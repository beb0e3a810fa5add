#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// The headers declare it only to those who ask for all of GNU's.
int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);
