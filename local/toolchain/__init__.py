"""What the local stack needs beside Python packages: a Java runtime, four jars, DuckDB's extensions, an archive of loaded classes."""
