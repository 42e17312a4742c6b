"""What the local stack needs beside Python packages: Java, four jars, DuckDB's extensions, an archive of classes."""
