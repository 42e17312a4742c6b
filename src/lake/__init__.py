"""One source of truth from a company's CRM and ERP."""
