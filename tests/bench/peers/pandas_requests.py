"""What most people would write: pandas and requests. Arguments: AUDIENCE ADDRESS"""

import base64
import json
import sys

import pandas as pd
import requests
from wire import NORTH_AMERICAN, ROWS_PER_FILE, request_without_file

path, address = sys.argv[1:3]
frame = pd.read_csv(path, dtype=str, keep_default_na=False) if path.endswith(".csv") else pd.read_parquet(path)
frame.columns = [name.replace(" ", "_") for name in frame.columns]
phone = frame["phone"].str.replace(r"\D", "", regex=True)
frame["phone"] = phone.where(phone.str.len() != 10, "1" + phone)
frame = frame[frame["phone"].str.match(NORTH_AMERICAN)].drop_duplicates("phone", keep="last")
session = requests.Session()
for number, start in enumerate(range(0, len(frame), ROWS_PER_FILE)):
    file = frame.iloc[start : start + ROWS_PER_FILE].to_csv(index=False).encode()
    document = {**request_without_file(number), "fileStream": base64.b64encode(file).decode()}
    session.post(address, data=json.dumps(document), headers={"Content-Type": "application/json"}).raise_for_status()
