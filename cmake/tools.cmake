# SPDX-License-Identifier: Apache-2.0
# `ballast` under the names of the tools it stands in for.
set(tool_links aql asadm asinfo asbench)
foreach(link ${tool_links})
  install(CODE "
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    file(CREATE_LINK ballast \"\${folder}/${link}\" SYMBOLIC)
    message(STATUS \"Installing: \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/${link} -> ballast\")")
endforeach()
