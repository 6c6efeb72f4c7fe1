// The one place where Asio's non-template code is compiled (see cmake/Dependencies.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
