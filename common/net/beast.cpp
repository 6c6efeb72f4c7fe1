// The one place where Beast's non-template code is compiled (see cmake/Dependencies.cmake).
#include <boost/beast/src.hpp>
