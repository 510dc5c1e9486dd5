"""HTTP, pages, SQL, settings and the command `hocba`: the only package that knows FastAPI or SQLAlchemy."""
